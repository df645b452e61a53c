//! A figure and how it is shown.

#![allow(clippy::print_stdout, reason = "a command's output")]

use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering};

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    pub name: String,
    /// What it is measured in, where a figure is there for several languages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// Of what kind, where a figure is there for several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    pub value: f64,
    pub unit: String,
    /// Such as `>= 6000`; empty if nothing is expected.
    pub expected: String,
    pub note: String,
}

/// Shows figures as they come.
pub struct Table {
    json: bool,
    has_head: AtomicBool,
}

impl Figure {
    pub fn new(name: &str, value: f64, unit: &str, expected: &str, note: impl Into<String>) -> Self {
        let (name, unit, expected) = (name.to_owned(), unit.to_owned(), expected.to_owned());
        Self { name, lang: None, kind: None, value: rounded(value), unit, expected, note: note.into() }
    }

    /// The same of a language.
    pub fn of(self, lang: Option<String>) -> Self {
        Self { lang, ..self }
    }

    /// The same of a kind.
    pub fn of_kind(self, kind: &str) -> Self {
        Self { kind: Some(kind.to_owned()), ..self }
    }

    /// Whether it is as expected; none if nothing is.
    fn is_met(&self) -> Option<bool> {
        let (sign, bound) = self.expected.split_once(' ')?;
        let bound: f64 = bound.parse().ok()?;
        match sign {
            "<=" => Some(self.value <= bound),
            ">=" => Some(self.value >= bound),
            _ => None,
        }
    }
}

impl Table {
    pub fn new(json: bool) -> Self {
        Self { json, has_head: AtomicBool::new(false) }
    }

    pub fn show(&self, figure: &Figure) {
        if self.json {
            println!("{}", serde_json::to_string(figure).expect("figures are JSON"));
            return;
        }
        if !self.has_head.swap(true, Ordering::Relaxed) {
            println!("{:<28} {:>12} {:<12} {:>10}    note", "name", "value", "unit", "expected");
        }
        let Figure { lang, kind, value, unit, expected, note, .. } = figure;
        let name = lang.iter().chain(kind).fold(figure.name.clone(), |name, which| format!("{name} {which}"));
        let mark = match figure.is_met() {
            Some(true) => "✓",
            Some(false) => "✗",
            None => " ",
        };
        println!("{name:<28} {value:>12} {unit:<12} {expected:>10} {mark}  {note}");
    }
}

/// Three digits behind the point for small values, none for large ones.
fn rounded(value: f64) -> f64 {
    let factor = match value.abs() {
        value if value >= 1_000.0 => 1.0,
        value if value >= 10.0 => 10.0,
        _ => 1_000.0,
    };
    (value * factor).round() / factor
}

/// The middle one; the lower of two.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

/// Nearest rank, of sorted values.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expectations_are_held_against_values() {
        let met = |value, expected| Figure::new("a", value, "", expected, "").is_met();
        assert_eq!(met(6_000.0, ">= 6000"), Some(true));
        assert_eq!(met(5_999.0, ">= 6000"), Some(false));
        assert_eq!(met(2.5, "<= 2"), Some(false));
        assert_eq!(met(2.5, "none"), None);
    }

    #[test]
    fn a_kind_is_a_field_of_its_own_and_absent_where_there_is_none() {
        let plain = Figure::new("a", 1.0, "x", "", "");
        let fields = |figure: &Figure| serde_json::to_value(figure).unwrap();
        assert_eq!(fields(&plain.clone().of_kind("spin"))["kind"], "spin");
        assert!(fields(&plain).get("kind").is_none() && fields(&plain).get("lang").is_none());
    }

    #[test]
    fn medians_and_quantiles_are_values_that_were_measured() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0]), 1.0);
        assert!(median(&mut []).is_nan());
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!([quantile(&values, 0.5), quantile(&values, 0.99)], [100.0, 198.0]);
    }

    #[test]
    fn values_keep_as_many_digits_as_they_deserve() {
        assert_eq!([rounded(12_345.678), rounded(123.456), rounded(1.23456)], [12_346.0, 123.5, 1.235]);
    }
}
