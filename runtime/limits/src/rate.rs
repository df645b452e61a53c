//! How many segments in how much time.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;

use crate::error::Error;

const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// So many segments in so much time, and how many of them at once.
///
/// Over any time `t` at most `burst + t / interval` segments go. Carriers that publish "n a second" count in windows of a
/// second, so the default burst is a tenth of that: a whole second's worth would let two seconds' worth into one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    interval: Duration,
    burst: NonZeroU32,
}

impl Rate {
    /// `segments` in each `time`.
    pub fn new(segments: NonZeroU32, time: Duration) -> Result<Self, Error> {
        let interval = time / segments.get();
        if interval.is_zero() {
            return Err(Error::NotPositive);
        }
        let in_a_tenth = Duration::from_millis(100).as_nanos() / interval.as_nanos();
        let burst = u32::try_from(in_a_tenth).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        Self { interval, burst }.checked()
    }

    /// `segments` a second; fractions are slower than one.
    pub fn per_second(segments: f64) -> Result<Self, Error> {
        let nanos = 1e9 / segments;
        if nanos.is_nan() || nanos.is_sign_negative() || nanos > YEAR.as_nanos() as f64 {
            return Err(Error::NotPositive);
        }
        // Faster than one a nanosecond isn't told apart from that.
        Self::new(NonZeroU32::MIN, Duration::from_nanos((nanos as u64).max(1)))
    }

    /// The same rate with another burst.
    pub fn with_burst(self, burst: NonZeroU32) -> Result<Self, Error> {
        Self { burst, ..self }.checked()
    }

    fn checked(self) -> Result<Self, Error> {
        let whole = self.interval.checked_mul(self.burst.get()).filter(|whole| *whole <= YEAR);
        whole.map(|_| self).ok_or(Error::Burst)
    }

    /// The time that one segment takes.
    pub const fn interval(self) -> Duration {
        self.interval
    }

    /// How many segments may go at once after a pause.
    pub const fn burst(self) -> NonZeroU32 {
        self.burst
    }

    /// Segments a second.
    pub fn segments_per_second(self) -> f64 {
        1.0 / self.interval.as_secs_f64()
    }

    pub(crate) fn quota(self) -> Quota {
        Quota::with_period(self.interval).expect("the interval isn't zero").allow_burst(self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_small_bursts_unless_said_otherwise() {
        let burst = |per_second| Rate::per_second(per_second).unwrap().burst().get();
        assert_eq!([burst(0.1), burst(1.0), burst(19.0), burst(1_000.0)], [1, 1, 1, 100]);
        let minute = Rate::new(NonZeroU32::new(4_500).unwrap(), Duration::from_secs(60)).unwrap();
        assert!((minute.segments_per_second() - 75.0).abs() < 0.01);
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for per_second in [0.0, -1.0, f64::NAN, f64::NEG_INFINITY, 1e-12] {
            assert_eq!(Rate::per_second(per_second), Err(Error::NotPositive), "{per_second}");
        }
        assert!(Rate::per_second(f64::INFINITY).is_ok());
        let daily = Rate::new(NonZeroU32::MIN, Duration::from_secs(86_400)).unwrap();
        assert_eq!(daily.with_burst(NonZeroU32::MAX), Err(Error::Burst));
        assert_eq!(Rate::new(NonZeroU32::MAX, Duration::from_nanos(1)), Err(Error::NotPositive));
    }
}
