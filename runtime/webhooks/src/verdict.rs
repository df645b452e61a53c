//! What an attempt's outcome means for the event.

use std::time::Duration;

use http::StatusCode;
use signalbox_model::{Chance, Timestamp};

use crate::exchange::Answer;
use crate::schedule;
use crate::worker::Outcome;

/// What becomes of the event.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// It was told.
    Delivered,
    /// It is tried again after a wait.
    Retry(Duration),
    /// It is given up.
    Park(String),
    /// The endpoint wants nothing any more.
    Gone,
    /// There is nothing to tell.
    Drop,
    /// Our own fault: again soon, and the attempt doesn't count.
    Again,
}

/// How long to wait when the record couldn't be read.
pub(crate) const AGAIN: Duration = Duration::from_secs(1);

impl Outcome {
    /// `attempts` failed before this one.
    pub fn next(&self, attempts: u16, now: Timestamp, chance: &Chance) -> Next {
        let retry = |asked| match schedule::wait(attempts + 1, asked, chance) {
            Some(wait) => Next::Retry(wait),
            None => Next::Park(format!("{} attempts failed; the last: {}", attempts + 1, self.why())),
        };
        match self {
            Self::Answered(answer) if answer.status.is_success() => Next::Delivered,
            Self::Answered(answer) if answer.status == StatusCode::GONE => Next::Gone,
            Self::Answered(answer) => retry(answer.retry_after(now)),
            Self::Failed(_) => retry(None),
            Self::Missing => Next::Drop,
            Self::Unreadable(_) => Next::Again,
        }
    }

    /// What went wrong, in words; empty when nothing did.
    pub fn why(&self) -> String {
        match self {
            Self::Answered(answer) if answer.status.is_success() => String::new(),
            Self::Answered(answer) if answer.status.is_redirection() => {
                format!("answered {}; redirects are not followed, set the new URL up instead", answer.status.as_u16())
            }
            Self::Answered(answer) => format!("answered {}", answer.status.as_u16()),
            Self::Failed(failure) => failure.to_string(),
            Self::Missing => "the message is not on record any more".to_owned(),
            Self::Unreadable(error) => error.to_string(),
        }
    }

    /// Does it say that the endpoint as a whole is ill, rather than that it dislikes this event?
    pub fn is_ill(&self) -> bool {
        match self {
            Self::Answered(answer) => {
                answer.status.is_server_error()
                    || matches!(answer.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
            }
            Self::Failed(_) => true,
            Self::Missing | Self::Unreadable(_) => false,
        }
    }

    /// How long the endpoint wants to be left alone as a whole.
    pub fn asked_for_rest(&self, now: Timestamp) -> Option<Duration> {
        match self {
            Self::Answered(answer)
                if matches!(answer.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) =>
            {
                answer.retry_after(now)
            }
            _ => None,
        }
    }
}

impl Answer {
    fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        self.retry_after.as_deref().and_then(|header| schedule::retry_after(header, now))
    }
}
