//! Sign, order, deliver, retry, park.
