//! Time zones whose clocks are asked for every message.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// A time zone with its changes of the clocks worked out beforehand: each message asks a few times what time it is there, and
/// working out when this year's summer time begins takes most of the answer. Where nothing is worked out `jiff` is asked.
#[derive(Debug, Clone)]
pub struct Zone {
    zone: TimeZone,
    /// From when on the clocks show what; up to the last one's beginning, from where on nothing is worked out.
    stretches: Box<[(Timestamp, Offset)]>,
}

/// The seconds between which changes are worked out: the years 2020 to 2059. Two changes a year make that two kilobytes a zone.
const WORKED_OUT: std::ops::Range<i64> = 1_577_836_800..2_840_140_800;
/// Around a change a time of the day may be there twice, or not at all; no change puts clocks on or back by more.
const AROUND_A_CHANGE: SignedDuration = SignedDuration::from_hours(48);

impl Zone {
    /// With the changes worked out.
    pub(crate) fn worked_out(zone: TimeZone) -> Self {
        let (Ok(begin), Ok(end)) = (Timestamp::from_second(WORKED_OUT.start), Timestamp::from_second(WORKED_OUT.end))
        else {
            return Self::plain(zone);
        };
        let mut stretches = vec![(begin, zone.to_offset(begin))];
        let changes = zone.following(begin).map(|change| (change.timestamp(), change.offset()));
        stretches.extend(changes.take_while(|(at, _)| *at < end));
        stretches.push((end, zone.to_offset(end)));
        Self { zone, stretches: stretches.into() }
    }

    /// As it is: for one that is asked once.
    pub(crate) fn plain(zone: TimeZone) -> Self {
        Self { zone, stretches: Box::default() }
    }

    /// Its clocks around that time.
    pub(crate) fn around(&self, at: Timestamp) -> Clocks<'_> {
        let next = self.stretches.partition_point(|(begin, _)| *begin <= at);
        let stretch = next.checked_sub(1).and_then(|begin| self.stretches.get(begin..=next)?.first_chunk());
        Clocks { zone: &self.zone, at, stretch }
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
    stretch: Option<&'a [(Timestamp, Offset); 2]>,
}

impl Clocks<'_> {
    /// What they show then.
    pub(crate) fn show(&self) -> DateTime {
        match self.stretch {
            Some([(_, offset), _]) => offset.to_datetime(self.at),
            None => self.zone.to_datetime(self.at),
        }
    }

    /// When they show that; where they do it twice or not at all, as `jiff` says.
    pub(crate) fn when(&self, shown: DateTime) -> Option<Timestamp> {
        if let Some([(begin, offset), (end, _)]) = self.stretch
            && let Ok(at) = offset.to_timestamp(shown)
            && at.duration_since(*begin) > AROUND_A_CHANGE
            && end.duration_since(at) > AROUND_A_CHANGE
        {
            return Some(at);
        }
        self.zone.to_timestamp(shown).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
                for shown in [plain.to_datetime(at), DateTime::from(plain.to_datetime(at).date())] {
                    for near in [at, anywhere] {
                        prop_assert_eq!(zone.around(near).when(shown), plain.to_timestamp(shown).ok());
                    }
                }
            }
        }
    }
}
