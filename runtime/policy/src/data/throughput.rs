//! How fast carriers let a campaign, a brand or a number send. Whoever enforces it asks here; rules don't.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde::Deserialize;
use signalbox_model::Timestamp;
use toml::Spanned;

use super::whence::Whence;
use super::zones::Zone;
use crate::error::Complaint;
use crate::place::{instant, timestamp};
use crate::source::Source;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThroughputFile {
    #[serde(rename = "as_of")]
    _as_of: Whence,
    att: Att,
    tmobile: Tmobile,
    verizon: Minute,
    toll_free: Second,
    short_code: Second,
    long_code: Second,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Att {
    #[serde(rename = "source")]
    _source: Whence,
    #[serde(rename = "certainty")]
    _certainty: Whence,
    #[serde(rename = "unit")]
    _unit: Whence,
    class: Vec<Spanned<AttClass>>,
}

/// What an AT&T class is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttUse {
    /// One declared use case.
    Dedicated,
    /// Mixed use, and marketing.
    Mixed,
    /// Low-volume mixed.
    LowVolume,
    /// Sole proprietors.
    SoleProprietor,
    /// Political campaigns.
    Political,
    /// Emergency services.
    Emergency,
    /// Charities.
    Charity,
    /// Social networks.
    Social,
    /// Proxies between people.
    Proxy,
    /// Agents and franchises.
    Agents,
}

/// What a rate is counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// All numbers of a campaign together.
    Campaign,
    /// Each number by itself.
    Number,
}

/// An AT&T class.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttClass {
    /// Its letter.
    pub name: String,
    /// What it is for.
    #[serde(rename = "use")]
    pub for_use: AttUse,
    /// The brand's scores that it is for; any if there is none.
    pub score: Option<[u8; 2]>,
    /// Segments a minute.
    pub sms: u32,
    /// MMS a minute.
    pub mms: u32,
    /// What they are counted for.
    pub per: Per,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tmobile {
    #[serde(rename = "source")]
    _source: Whence,
    #[serde(rename = "certainty")]
    _certainty: Whence,
    #[serde(rename = "unit")]
    _unit: Whence,
    resets_at: Spanned<String>,
    zone: Spanned<String>,
    sole_proprietor: u32,
    tier: Vec<Tier>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tier {
    score: [u8; 2],
    daily: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Minute {
    #[serde(rename = "source")]
    _source: Whence,
    #[serde(rename = "certainty")]
    _certainty: Whence,
    per_number_a_minute: Spanned<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Second {
    #[serde(rename = "source")]
    _source: Whence,
    #[serde(rename = "certainty")]
    _certainty: Whence,
    per_number_a_second: Spanned<u32>,
}

/// The table of rates.
#[derive(Debug, Clone)]
pub struct Throughput {
    att: Vec<AttClass>,
    tmobile: Vec<Tier>,
    tmobile_sole_proprietor: u32,
    reset: Time,
    zone: Zone,
    /// Verizon: segments a minute and number.
    pub verizon_number_a_minute: u32,
    /// Toll-free: segments a second and number.
    pub toll_free_number_a_second: u32,
    /// Short code: segments a second and number.
    pub short_code_number_a_second: u32,
    /// Long code without a class: segments a second and number.
    pub long_code_number_a_second: u32,
}

impl Throughput {
    pub(crate) fn parse(source: Source<'_>) -> Result<Self, Vec<Complaint>> {
        let file: ThroughputFile = source.read().map_err(|complaint| vec![complaint])?;
        let mut complaints = Vec::new();
        for class in &file.att.class {
            let AttClass { sms, mms, score, .. } = class.get_ref();
            if *sms == 0 || *mms == 0 || score.is_some_and(|[low, high]| low > high || high > 100) {
                complaints.push(source.complain_of(class, "rates are more than 0 and scores rise from 0 to 100"));
            }
        }
        for score in 0..=100 {
            let fits = |tier: &&Tier| (tier.score[0]..=tier.score[1]).contains(&score);
            if file.tmobile.tier.iter().filter(fits).count() != 1 {
                let reason = format!("score {score} has to be in one tier, no more and no less");
                complaints.push(source.complain_of(&file.tmobile.zone, reason));
                break;
            }
        }
        let rates = [&file.verizon.per_number_a_minute, &file.toll_free.per_number_a_second];
        let rates =
            rates.into_iter().chain([&file.short_code.per_number_a_second, &file.long_code.per_number_a_second]);
        complaints.extend(
            rates.filter(|rate| *rate.get_ref() == 0).map(|rate| source.complain_of(rate, "nothing could be sent")),
        );
        let zone = TimeZone::get(file.tmobile.zone.get_ref());
        let reset = file.tmobile.resets_at.get_ref().parse::<Time>();
        let (Ok(zone), Ok(reset)) = (zone, reset) else {
            complaints.push(source.complain_of(
                &file.tmobile.zone,
                "a zone such as America/Los_Angeles and a time such as 00:00 are needed",
            ));
            return Err(complaints);
        };
        if !complaints.is_empty() {
            return Err(complaints);
        }
        Ok(Self {
            att: file.att.class.into_iter().map(Spanned::into_inner).collect(),
            tmobile: file.tmobile.tier,
            tmobile_sole_proprietor: file.tmobile.sole_proprietor,
            reset,
            zone: Zone::worked_out(zone),
            verizon_number_a_minute: file.verizon.per_number_a_minute.into_inner(),
            toll_free_number_a_second: file.toll_free.per_number_a_second.into_inner(),
            short_code_number_a_second: file.short_code.per_number_a_second.into_inner(),
            long_code_number_a_second: file.long_code.per_number_a_second.into_inner(),
        })
    }

    /// AT&T's class for such a campaign. A brand without a score has the lowest.
    pub fn att(&self, for_use: AttUse, score: Option<u8>) -> Option<&AttClass> {
        let score = score.unwrap_or(0);
        let fits = |class: &&AttClass| {
            class.for_use == for_use && class.score.is_none_or(|[low, high]| (low..=high).contains(&score))
        };
        self.att.iter().find(fits)
    }

    /// AT&T's class by its letter.
    pub fn att_class(&self, name: &str) -> Option<&AttClass> {
        self.att.iter().find(|class| class.name == name)
    }

    /// T-Mobile's daily allowance of a brand; unvetted ones have no score.
    pub fn tmobile_daily(&self, score: Option<u8>) -> u32 {
        let score = score.unwrap_or(0);
        let tier = self.tmobile.iter().find(|tier| (tier.score[0]..=tier.score[1]).contains(&score));
        tier.map_or(0, |tier| tier.daily)
    }

    /// T-Mobile's daily allowance of a sole proprietor.
    pub fn tmobile_sole_proprietor_daily(&self) -> u32 {
        self.tmobile_sole_proprietor
    }

    /// When the day that T-Mobile counts in begins anew after `now`.
    pub fn tmobile_resets(&self, now: Timestamp) -> Option<Timestamp> {
        let clocks = self.zone.around(instant(now)?);
        if let Some(shown) = clocks.steady() {
            let of_day =
                |time: Time| i64::from(time.hour()) * 3_600 + i64::from(time.minute()) * 60 + i64::from(time.second());
            let next = shown.next(of_day(self.reset));
            return Some(Timestamp::from_micros(u64::try_from(next).ok()?.checked_mul(1_000_000)?));
        }
        let day = clocks.show().date();
        let next = |date: jiff::civil::Date| timestamp(clocks.when(date.to_datetime(self.reset))?);
        next(day).filter(|at| *at > now).or_else(|| next(day.tomorrow().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Tables;
    use super::super::tests::with;
    use super::*;

    #[test]
    fn rates_are_the_tables() {
        let throughput = Tables::built_in().unwrap().throughput;
        let att =
            |for_use, score| throughput.att(for_use, score).map(|class| (class.name.as_str(), class.sms, class.mms));
        assert_eq!(att(AttUse::Dedicated, Some(75)), Some(("A", 4_500, 2_400)));
        assert_eq!(att(AttUse::Mixed, Some(74)), Some(("D", 2_400, 1_200)));
        assert_eq!(att(AttUse::Mixed, None), Some(("F", 240, 150)));
        assert_eq!(att(AttUse::LowVolume, Some(99)), Some(("T", 75, 50)));
        assert_eq!(throughput.att_class("N").map(|class| class.per), Some(Per::Number));
        assert_eq!(
            [100, 75, 74, 50, 49, 25, 24, 1].map(|score| throughput.tmobile_daily(Some(score))),
            [200_000, 200_000, 40_000, 40_000, 10_000, 10_000, 2_000, 2_000]
        );
        assert_eq!((throughput.tmobile_daily(None), throughput.tmobile_sole_proprietor_daily()), (2_000, 1_000));
    }

    #[test]
    fn the_day_begins_at_midnight_pacific() {
        let throughput = Tables::built_in().unwrap().throughput;
        let resets =
            |now: &str| throughput.tmobile_resets(Timestamp::parse_rfc3339(now).unwrap()).unwrap().to_rfc3339();
        assert_eq!(resets("2026-11-23T14:00:00Z"), "2026-11-24T08:00:00.000000Z");
        assert_eq!(resets("2026-11-23T08:00:00Z"), "2026-11-24T08:00:00.000000Z");
        assert_eq!(resets("2026-07-01T06:59:59Z"), "2026-07-01T07:00:00.000000Z");
        // The night in which the clocks go back: the day has 25 hours.
        assert_eq!(resets("2026-11-01T07:00:00Z"), "2026-11-02T08:00:00.000000Z");
    }

    #[test]
    fn entries_are_checked() {
        let error =
            |from: &str, to: &str| with("throughput.toml", |text| text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error("sms = 4500", "sms = 0").contains("more than 0"));
        assert!(error("score = [25, 49]", "score = [25, 48]").contains("score 49"));
        assert!(error("America/Los_Angeles", "America/Gotham").contains("zone such as"));
        assert!(error("per_number_a_second = 20", "per_number_a_second = 0").contains("nothing could be sent"));
    }
}
