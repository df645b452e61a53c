//! A store with nothing in it, which answers at once.

use futures_util::FutureExt;
use signalbox_guest::{Contact, HttpFailure, HttpRequest, HttpResult, PastMessage, Reading, Scope, Surroundings};

/// A store with nothing in it, which answers at once.
pub struct Nothing;

impl Surroundings for Nothing {
    fn state_get<'a>(&'a mut self, _: Scope, _: &'a str) -> Reading<'a, Option<Vec<u8>>> {
        async { Ok(None) }.boxed()
    }

    fn state_list<'a>(
        &'a mut self,
        _: Scope,
        _: &'a str,
        _: Option<&'a str>,
        _: usize,
    ) -> Reading<'a, Vec<(String, Vec<u8>)>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn recent(&mut self, _: usize) -> Reading<'_, Vec<PastMessage>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn contact<'a>(&'a mut self, _: &'a str) -> Reading<'a, Contact> {
        async { Ok(Contact::default()) }.boxed()
    }

    fn http(&mut self, _: HttpRequest) -> Reading<'_, HttpResult> {
        async { Ok(Err(HttpFailure::Refused("not here".to_owned()))) }.boxed()
    }
}
