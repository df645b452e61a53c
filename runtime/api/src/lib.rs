//! The tenant's and the operator's HTTP.
