//! Where a +1 number may be: by its area code, all states and all time zones that are possible. Numbers move with their
//! people, so this is where the law looks when nothing better is known.

use jiff::tz::TimeZone;
use signalbox_model::E164;

use super::csv;
use super::windows::State;
use super::zones::Zone;
use crate::error::Complaint;
use crate::source::Source;

/// Where somebody may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The states and territories of the United States that are possible; none for other countries.
    pub states: Vec<State>,
    /// The time zones that are possible, by their place in [`Places::zone`].
    pub zones: Vec<u8>,
}

/// The table of area codes.
#[derive(Debug, Clone)]
pub struct Places {
    zones: Vec<Zone>,
    places: Vec<Place>,
    /// Which place an area code is; 0 for those that aren't in the table.
    by_code: Box<[u16; 1_000]>,
    /// First and last three digits of ZIP codes, and the states that they may be in.
    zips: Vec<(u16, u16, Vec<State>)>,
}

/// There are some forty; more than 255 can't be numbered here.
const MAX_ZONES: usize = 255;

impl Places {
    pub(crate) fn parse(source: Source<'_>, zips: Source<'_>) -> Result<Self, Vec<Complaint>> {
        let mut names: Vec<&str> = Vec::new();
        let mut table = Self { zones: Vec::new(), places: Vec::new(), by_code: Box::new([0; 1_000]), zips: Vec::new() };
        let mut complaints = Vec::new();
        for row in csv::rows(source, ["code", "states", "zones", "state_source"])? {
            match table.place(row.fields, &mut names) {
                Ok((code, place)) => {
                    table.places.push(place);
                    table.by_code[code] = u16::try_from(table.places.len()).unwrap_or(0);
                }
                Err(reason) => complaints.push(source.complain(row.at, reason)),
            }
        }
        for row in csv::rows(zips, ["from", "to", "states"])? {
            match zip_range(row.fields) {
                Some(range) => table.zips.push(range),
                None => complaints.push(
                    zips.complain(row.at, "needs two times three digits and states' letters, such as 100,149,NY"),
                ),
            }
        }
        if complaints.is_empty() { Ok(table) } else { Err(complaints) }
    }

    fn place<'a>(
        &mut self,
        [code, states, zones, _]: [&'a str; 4],
        names: &mut Vec<&'a str>,
    ) -> Result<(usize, Place), String> {
        let number = code.parse().ok().filter(|code| (200..1_000).contains(code));
        let number: usize = number.ok_or_else(|| format!("`{code}` isn't an area code"))?;
        if self.by_code[number] != 0 {
            return Err(format!("area code {code} is here twice"));
        }
        let state = |name: &str| State::parse(name).ok_or_else(|| format!("`{name}` isn't a state's two letters"));
        let states = states.split_whitespace().map(state).collect::<Result<Vec<_>, _>>()?;
        let mut here = Vec::new();
        for zone in zones.split_whitespace() {
            here.push(match names.iter().position(|name| *name == zone) {
                Some(at) => u8::try_from(at).unwrap_or(u8::MAX),
                None => self.zone_named(zone, names)?,
            });
        }
        if here.is_empty() {
            return Err(format!("area code {code} has no time zone"));
        }
        Ok((number, Place { states, zones: here }))
    }

    fn zone_named<'a>(&mut self, zone: &'a str, names: &mut Vec<&'a str>) -> Result<u8, String> {
        let known = TimeZone::get(zone).map_err(|_| format!("there is no time zone `{zone}`"))?;
        let at = u8::try_from(names.len()).ok().filter(|_| names.len() < MAX_ZONES);
        names.push(zone);
        self.zones.push(Zone::worked_out(known));
        at.ok_or_else(|| format!("there are more than {MAX_ZONES} time zones"))
    }

    /// Where the holder of a number may be; `None` for numbers that aren't in the table.
    pub fn of(&self, number: E164) -> Option<&Place> {
        if !number.is_nanp() {
            return None;
        }
        let code = usize::try_from(number.as_u64() / 10_000_000 % 1_000).ok()?;
        let at = usize::from(self.by_code[code]);
        self.places.get(at.checked_sub(1)?)
    }

    /// The time zone with that number.
    pub fn zone(&self, at: u8) -> Option<&Zone> {
        self.zones.get(usize::from(at))
    }

    /// The number of a time zone that some place is in.
    pub fn zone_number(&self, name: &str) -> Option<u8> {
        let at = self.zones.iter().position(|zone| zone.iana_name() == Some(name))?;
        u8::try_from(at).ok()
    }

    /// The states that a ZIP code may be in; none for what isn't one.
    pub fn states_of_zip(&self, zip: &str) -> &[State] {
        let digits = zip.get(..3).filter(|_| zip.len() >= 5).and_then(|digits| digits.parse::<u16>().ok());
        let range = digits.and_then(|digits| self.zips.iter().find(|(from, to, _)| (*from..=*to).contains(&digits)));
        range.map_or(&[], |(_, _, states)| states)
    }

    /// Every time zone that some number of these states may be in.
    pub fn zones_of(&self, states: &[State]) -> Vec<u8> {
        let there = self.places.iter().filter(|place| place.states.iter().any(|state| states.contains(state)));
        let mut zones: Vec<u8> = there.flat_map(|place| place.zones.iter().copied()).collect();
        zones.sort_unstable();
        zones.dedup();
        zones
    }

    /// All places, one for each area code.
    pub fn all(&self) -> &[Place] {
        &self.places
    }
}

fn zip_range([from, to, states]: [&str; 3]) -> Option<(u16, u16, Vec<State>)> {
    let digits = |text: &str| text.parse::<u16>().ok().filter(|_| text.len() == 3);
    let (from, to) = (digits(from)?, digits(to)?);
    let states: Vec<State> = states.split_whitespace().map(State::parse).collect::<Option<_>>()?;
    (from <= to && !states.is_empty()).then_some((from, to, states))
}

#[cfg(test)]
mod tests {
    use super::super::Tables;
    use super::super::tests::with;

    fn names(number: &str) -> (Vec<String>, Vec<String>) {
        let tables = Tables::built_in().unwrap();
        let signalbox_model::Address::E164(number) = number.parse().unwrap() else { panic!() };
        let Some(place) = tables.places.of(number) else { return (vec![], vec![]) };
        let zone = |at: &u8| tables.places.zone(*at).unwrap().iana_name().unwrap().to_owned();
        (place.states.iter().map(ToString::to_string).collect(), place.zones.iter().map(zone).collect())
    }

    #[test]
    fn numbers_have_states_and_zones() {
        assert_eq!(names("+12125550123"), (vec!["NY".into()], vec!["America/New_York".into()]));
        let straddles = names("+18505550123");
        assert_eq!(straddles.0, ["FL"]);
        assert_eq!(straddles.1, ["America/Chicago", "America/New_York"]);
        assert_eq!(names("+14165550123"), (vec![], vec!["America/Toronto".into()]));
        assert_eq!(names("+442079460123"), (vec![], vec![]));
        assert_eq!(names("+18005550123"), (vec![], vec![]));
        for (code, state) in [("203", "CT"), ("310", "CA"), ("713", "TX"), ("718", "NY")] {
            assert_eq!(names(&format!("+1{code}5550123")).0, [state]);
        }
    }

    #[test]
    fn codes_that_straddle_zones_keep_all_of_them() {
        for code in [208, 219, 270, 308, 423, 541, 574, 605, 606, 620, 701, 775, 785, 812, 850, 906, 907, 928, 986] {
            assert!(names(&format!("+1{code}5550123")).1.len() >= 2, "{code}");
        }
    }

    #[test]
    fn rows_are_checked() {
        let error = |row: &str| with("places.csv", |text| format!("{text}{row}\n")).unwrap_err().to_string();
        assert!(error("201,NJ,America/New_York,x").contains("twice"));
        assert!(error("999,XX,America/New_York,x").contains("two letters"));
        assert!(error("999,NJ,America/Gotham,x").contains("no time zone `America/Gotham`"));
        assert!(error("999,NJ,,x").contains("has no time zone"));
        assert!(error("99,NJ").starts_with("data/places.csv:450:1: has 2 fields"), "{}", error("99,NJ"));
    }
}
