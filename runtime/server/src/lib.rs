//! The signalbox binary: configuration, wiring, supervision, drain, command line.
