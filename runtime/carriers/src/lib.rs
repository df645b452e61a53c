//! The carrier seam and one module per connector.
