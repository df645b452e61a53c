//! Time zones whose clocks are asked for every message.

use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::{Offset, TimeZone};

/// A time zone with its changes of the clocks worked out beforehand: each message asks a few times what time it is there, and
/// working out when this year's summer time begins takes most of the answer. Where nothing is worked out `jiff` is asked.
#[derive(Debug, Clone)]
pub struct Zone {
    zone: TimeZone,
    /// From which second on the clocks show what; up to the last one's beginning, from where on nothing is worked out.
    stretches: Box<[(i64, Offset)]>,
    /// For each [`PAGE`] of that time, how many stretches began before it: where to begin looking.
    pages: Box<[u8]>,
}

/// The seconds between which changes are worked out: the years 2020 to 2059. Two changes a year make that two kilobytes a zone.
const WORKED_OUT: std::ops::Range<i64> = 1_577_836_800..2_840_140_800;
/// 97 days in seconds, in which clocks change once at most, but for countries that stop summer time for a month.
const PAGE: i64 = 1 << 23;
const DAY: i64 = 86_400;
/// Around a change a time of the day may be there twice, or not at all; no change puts clocks on or back by more. In seconds.
const AROUND_A_CHANGE: i64 = 2 * DAY;

impl Zone {
    /// With the changes worked out.
    pub(crate) fn worked_out(zone: TimeZone) -> Self {
        let (Ok(begin), Ok(end)) = (Timestamp::from_second(WORKED_OUT.start), Timestamp::from_second(WORKED_OUT.end))
        else {
            return Self::plain(zone);
        };
        let mut stretches = vec![(begin.as_second(), zone.to_offset(begin))];
        let changes = zone.following(begin).map(|change| (change.timestamp().as_second(), change.offset()));
        stretches.extend(changes.take_while(|(at, _)| *at < end.as_second()));
        stretches.push((end.as_second(), zone.to_offset(end)));
        let begun = |page: i64| stretches.iter().filter(|(at, _)| *at <= WORKED_OUT.start + page * PAGE).count();
        let pages = (0..=(WORKED_OUT.end - WORKED_OUT.start) / PAGE).map(|page| u8::try_from(begun(page)));
        match pages.collect::<Result<_, _>>() {
            Ok(pages) => Self { zone, stretches: stretches.into(), pages },
            Err(_) => Self::plain(zone),
        }
    }

    /// As it is: for one that is asked once.
    pub(crate) fn plain(zone: TimeZone) -> Self {
        Self { zone, stretches: Box::default(), pages: Box::default() }
    }

    /// Its clocks around that time.
    pub(crate) fn around(&self, at: Timestamp) -> Clocks<'_> {
        Clocks { zone: &self.zone, at, stretch: self.stretch(at.as_second()) }
    }

    fn stretch(&self, second: i64) -> Option<&[(i64, Offset); 2]> {
        let page = usize::try_from(second.checked_sub(WORKED_OUT.start)?.div_euclid(PAGE)).ok()?;
        let mut next = usize::from(*self.pages.get(page)?);
        while self.stretches.get(next)?.0 <= second {
            next += 1;
        }
        self.stretches[next - 1..].first_chunk()
    }

    /// Its IANA name.
    pub fn iana_name(&self) -> Option<&str> {
        self.zone.iana_name()
    }
}

/// The clocks of a zone around a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clocks<'a> {
    zone: &'a TimeZone,
    at: Timestamp,
    /// The stretch in which that is, and the next one.
    stretch: Option<&'a [(i64, Offset); 2]>,
}

/// What clocks show that haven't changed for days, and won't for days: a day has 24 hours there, and every time of it is there
/// once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steady {
    /// The second at which the day began.
    midnight: i64,
    /// Days since Monday, 29 December 1969.
    days: i64,
    /// Whole seconds since midnight.
    pub(crate) second: i64,
}

impl Steady {
    /// The second at which they show a time of the day next, later than now; it is given in seconds since midnight.
    pub(crate) fn next(self, of_day: i64) -> i64 {
        self.midnight + of_day + if of_day > self.second { 0 } else { DAY }
    }

    /// Which day of the week it is.
    pub(crate) fn weekday(self) -> Option<Weekday> {
        Weekday::from_monday_zero_offset(i8::try_from(self.days.rem_euclid(7)).ok()?).ok()
    }
}

impl Clocks<'_> {
    /// What they show then.
    pub(crate) fn show(&self) -> DateTime {
        match self.stretch {
            Some([(_, offset), _]) => offset.to_datetime(self.at),
            None => self.zone.to_datetime(self.at),
        }
    }

    /// What they show then, in numbers: `None` within some days of a change, and where nothing is worked out.
    pub(crate) fn steady(&self) -> Option<Steady> {
        let [(begin, offset), (end, _)] = self.stretch?;
        let at = self.at.as_second();
        let local = at + i64::from(offset.seconds());
        let is_steady = at - begin > AROUND_A_CHANGE + DAY && end - at > AROUND_A_CHANGE + DAY;
        let second = local.rem_euclid(DAY);
        is_steady.then(|| Steady { midnight: at - second, days: local.div_euclid(DAY) + 3, second })
    }

    /// When they show that; where they do it twice or not at all, as `jiff` says.
    pub(crate) fn when(&self, shown: DateTime) -> Option<Timestamp> {
        if let Some([(begin, offset), (end, _)]) = self.stretch
            && let Ok(at) = offset.to_timestamp(shown)
            && at.as_second() - begin > AROUND_A_CHANGE
            && end - at.as_second() > AROUND_A_CHANGE
        {
            return Some(at);
        }
        self.zone.to_timestamp(shown).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;
    use proptest::prelude::*;

    const NAMES: [&str; 6] = [
        "America/New_York",
        "America/Phoenix",
        "America/St_Johns",
        "Pacific/Honolulu",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn what_is_worked_out_is_what_jiff_says(name in prop::sample::select(&NAMES[..]), second in 1_500_000_000_i64..2_900_000_000, beside in -400_i64..400) {
            let plain = TimeZone::get(name).unwrap();
            let zone = Zone::worked_out(plain.clone());
            let anywhere = Timestamp::from_second(second).unwrap();
            // Most mistakes would be within hours of a change.
            let change = plain.following(anywhere).next().map_or(anywhere, |change| change.timestamp());
            for at in [anywhere, change + SignedDuration::from_mins(beside), change] {
                prop_assert_eq!(zone.around(at).show(), plain.to_datetime(at));
                if let Some(steady) = zone.around(at).steady() {
                    let shown = plain.to_datetime(at);
                    prop_assert_eq!(steady.weekday(), Some(shown.weekday()));
                    let (hours, minutes) = (i64::from(shown.hour()), i64::from(shown.minute()));
                    prop_assert_eq!(steady.second, (hours * 60 + minutes) * 60 + i64::from(shown.second()));
                    for of_day in [0, 8 * 3_600, steady.second, 86_399] {
                        let next = Timestamp::from_second(steady.next(of_day)).unwrap();
                        let then = plain.to_datetime(next);
                        let since = then.time().duration_since(jiff::civil::Time::midnight());
                        prop_assert!(next > at && next.duration_since(at) <= SignedDuration::from_hours(24));
                        prop_assert_eq!(since.as_secs(), of_day);
                    }
                }
                for shown in [plain.to_datetime(at), DateTime::from(plain.to_datetime(at).date())] {
                    for near in [at, anywhere] {
                        prop_assert_eq!(zone.around(near).when(shown), plain.to_timestamp(shown).ok());
                    }
                }
            }
        }
    }
}
