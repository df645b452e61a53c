//! Rates: GCRA throttles by bind, number and tenant.
