//! How a name becomes addresses. A trait, so that a test can answer with whatever an attacker would.

use std::io;
use std::net::SocketAddr;

use futures_util::future::BoxFuture;

/// Names to addresses.
pub trait Resolve: Send + Sync + 'static {
    /// Every address of `host`, in order of preference.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

/// The machine's own resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}
