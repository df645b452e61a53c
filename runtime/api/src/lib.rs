//! The tenant's and the operator's HTTP, and the only place where a domain error meets a status code.
//!
//! | module | what it holds |
//! |---|---|
//! | [`config`] | limits |
//! | [`service`] | connections: taken, bounded, drained |
//! | `socket` | a client's socket, with a bound on how long it may leave an answer unread |
//! | `routes` | the table of routes, and what answers them |
//! | `envelope` | what surrounds every route: the request's id, problems rendered, requests counted |
//! | `extract`, `query` | what is taken out of a request: who asks, the body, parameters |
//! | `shape`, `requests`, `handler_requests`, `batch` | bodies, and what is wrong with them, said well |
//! | `views`, `handler_views`, `consent_views`, `suppression_views` | what is answered |
//! | [`code`], [`problem`] | every kind of problem, and its form (RFC 9457) |
//! | `run_views` | recorded runs: what is taken and answered |
//! | `refusal` | which error of the house becomes which problem |
//! | `openapi` | the description, made from all that |
//!
//! A request costs one task for its work, so that a client who hangs up can't cut a change in half, and no copies of
//! its body but the strings that the path keeps.

mod app;
mod bare;
mod batch;
pub mod code;
pub mod config;
mod consent_views;
mod envelope;
mod extract;
mod handler_requests;
mod handler_views;
mod metrics;
mod openapi;
pub mod problem;
mod query;
mod refusal;
mod registry_views;
mod request_id;
mod requests;
mod routes;
mod run_views;
pub mod service;
mod shape;
mod socket;
mod suppression_views;
mod views;

pub use code::Code;
pub use config::{Config, OperatorKey};
pub use problem::{Problem, ProblemView};
pub use service::Service;
