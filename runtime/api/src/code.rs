//! Every kind of problem that the API can answer with: its stable code, its status, and whether trying again helps.

use http::StatusCode;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:ident, $title:literal, $retryable:literal;)*) => {
        /// A kind of problem. Names are stable: programs decide by them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The HTTP status that it comes with.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// The same words each time.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// May the same request succeed if it is sent again as it is?
            pub const fn retryable(self) -> bool {
                match self { $(Self::$variant => $retryable,)* }
            }

            /// The problem's type: a name, not a place.
            pub const fn uri(self) -> &'static str {
                match self { $(Self::$variant => concat!("urn:signalbox:problem:", $name),)* }
            }
        }
    };
}

codes! {
    /// The request's first line or a header isn't HTTP.
    HttpMalformed = "http.malformed", BAD_REQUEST, "The request isn't HTTP/1.1", false;
    /// The body can't be read as what it should be: not JSON, a wrong type, an unknown field.
    RequestMalformed = "request.malformed", BAD_REQUEST, "The body can't be read", false;
    /// A parameter of the query can't be read.
    QueryInvalid = "query.invalid", BAD_REQUEST, "A query parameter can't be used", false;
    /// The path isn't UTF-8.
    PathMalformed = "path.malformed", BAD_REQUEST, "The path can't be read", false;
    /// A header can't be used.
    HeaderInvalid = "header.invalid", BAD_REQUEST, "A header can't be used", false;
    /// No key came.
    AuthMissing = "auth.missing", UNAUTHORIZED, "An API key is missing", false;
    /// The key isn't one.
    AuthInvalid = "auth.invalid", UNAUTHORIZED, "The API key isn't known", false;
    /// An event's signature isn't good, or is too old.
    SignatureInvalid = "signature.invalid", UNAUTHORIZED, "The signature isn't good", false;
    /// There is no such route.
    RouteUnknown = "route.unknown", NOT_FOUND, "There is nothing here", false;
    /// The tenant has no such message.
    MessageUnknown = "message.unknown", NOT_FOUND, "There is no such message", false;
    /// The tenant has no such handler.
    HandlerUnknown = "handler.unknown", NOT_FOUND, "There is no such handler", false;
    /// The tenant has no such binding.
    BindingUnknown = "binding.unknown", NOT_FOUND, "There is no such binding", false;
    /// The tenant has no such event among those that were given up.
    ParkedUnknown = "parked.unknown", NOT_FOUND, "There is no such parked event", false;
    /// The tenant has no such run among those that are recorded.
    RunUnknown = "invocation.unknown", NOT_FOUND, "There is no such recorded run", false;
    /// The handler has no such version.
    VersionUnknown = "version.unknown", NOT_FOUND, "There is no such version", false;
    /// The tenant has no such number.
    NumberUnknown = "number.unknown", NOT_FOUND, "There is no such number", false;
    /// The tenant has no such import.
    ImportUnknown = "import.unknown", NOT_FOUND, "There is no such import", false;
    /// The tenant has no such suppression list.
    ListUnknown = "list.unknown", NOT_FOUND, "There is no such list", false;
    /// The tenant has no such program.
    ProgramUnknown = "program.unknown", NOT_FOUND, "There is no such program", false;
    /// No such policies were ever in use.
    PolicyUnknown = "policy.unknown", NOT_FOUND, "There were no such policies", false;
    /// The tenant has no such hold.
    HoldUnknown = "hold.unknown", NOT_FOUND, "There is no such hold", false;
    /// Nothing of this name is registered.
    RegistrationUnknown = "registration.unknown", NOT_FOUND, "Nothing of this name is registered", false;
    /// The route doesn't know the method.
    MethodUnknown = "method.unknown", METHOD_NOT_ALLOWED, "The method isn't known here", false;
    /// The body took too long to arrive.
    BodyTimeout = "body.timeout", REQUEST_TIMEOUT, "The body took too long", true;
    /// A request with the same idempotency key is being worked on.
    KeyBusy = "idempotency.busy", CONFLICT, "The same request is being worked on", true;
    /// The message has gone too far to be taken back.
    TooLate = "message.too_late", CONFLICT, "The message can't be taken back any more", false;
    /// The message isn't in doubt: there is nothing to decide.
    NotInDoubt = "message.not_in_doubt", CONFLICT, "The message isn't in doubt", false;
    /// The hold ended before, or is somebody else's to release.
    HoldFast = "hold.fast", CONFLICT, "The hold can't be released", false;
    /// A legal hold covers what was to be erased.
    HoldCovers = "hold.covers", CONFLICT, "A legal hold covers it", false;
    /// The body is larger than what is taken.
    BodyTooLarge = "body.too_large", PAYLOAD_TOO_LARGE, "The body is too large", false;
    /// The body is of a type that isn't taken here.
    TypeUnsupported = "body.type", UNSUPPORTED_MEDIA_TYPE, "The body's type isn't taken here", false;
    /// The body reads well, and a field of it can't be used.
    RequestInvalid = "request.invalid", UNPROCESSABLE_ENTITY, "A field can't be used", false;
    /// Compliance says no.
    PolicyRefused = "policy.refused", UNPROCESSABLE_ENTITY, "Policy refuses the message", false;
    /// The idempotency key was used with another request.
    KeyReused = "idempotency.reused", UNPROCESSABLE_ENTITY, "The idempotency key belongs to another request", false;
    /// The component can't be used.
    ComponentRefused = "component.refused", UNPROCESSABLE_ENTITY, "The component can't be used", false;
    /// The manifest can't be used.
    ManifestRefused = "manifest.refused", UNPROCESSABLE_ENTITY, "The manifest can't be used", false;
    /// The path and query are too long.
    UriTooLong = "uri.too_long", URI_TOO_LONG, "The path and query are too long", false;
    /// The head has more than any that is taken.
    HeadersTooLarge = "headers.too_large", REQUEST_HEADER_FIELDS_TOO_LARGE, "The head is too large", false;
    /// There are too many header lines.
    HeadersTooMany = "headers.too_many", REQUEST_HEADER_FIELDS_TOO_LARGE, "There are too many header lines", false;
    /// A defect here.
    Internal = "internal", INTERNAL_SERVER_ERROR, "Something broke here", false;
    /// Too much waits already.
    Overloaded = "limit.queue", SERVICE_UNAVAILABLE, "Too much waits already", true;
    /// Too many large bodies or compilations at once.
    Busy = "busy", SERVICE_UNAVAILABLE, "Too busy for this now", true;
    /// The host is going down.
    Draining = "draining", SERVICE_UNAVAILABLE, "This host is going down", true;
    /// The host isn't ready for traffic.
    NotReady = "not_ready", SERVICE_UNAVAILABLE, "Not ready", true;
    /// The store's disk is nearly full.
    StoreFull = "store.full", SERVICE_UNAVAILABLE, "The store has no room", true;
    /// The store didn't do it.
    StoreFailed = "store.unavailable", SERVICE_UNAVAILABLE, "The store can't take it now", true;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_only_passing_troubles_are_retryable() {
        let names: std::collections::BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            let lasting = [Code::TooLate, Code::NotInDoubt, Code::HoldFast, Code::HoldCovers].contains(code);
            let passing = [408, 409, 503].contains(&code.status().as_u16()) && !lasting;
            assert_eq!(code.retryable(), passing, "{}", code.as_str());
        }
    }
}
