use std::sync::LazyLock;
use std::time::Instant;

use proptest::prelude::*;

use super::*;

fn intents() -> &'static Intents {
    static INTENTS: LazyLock<Intents> = LazyLock::new(Intents::built_in);
    &INTENTS
}

fn find(text: &str) -> Option<(Intent, String)> {
    intents().find(text, None).map(|found| (found.intent, found.matched.into_owned()))
}

fn set(part: &str) -> Vec<labels::Labelled> {
    let text = include_str!("../../../../policies/tests/intents.tsv");
    labels::parse("intents.tsv", text).unwrap().into_iter().filter(|labelled| labelled.part == part).collect()
}

/// Prints the mistakes and, by class, precision and recall.
fn report(part: &str) -> [labels::Score; 4] {
    let (intents, set) = (intents(), set(part));
    for labelled in &set {
        let found = intents.find(&labelled.text, None);
        let (said, was) = (labels::name(labelled.intent), labels::name(found.as_ref().map(|f| f.intent)));
        if said != was {
            println!("{part}: labelled {said}, found {was} ({:?}): {}", found.map(|f| f.matched), labelled.text);
        }
    }
    let scores = labels::scores(intents, &set);
    for (class, score) in labels::CLASSES.iter().zip(&scores) {
        let (name, precision, recall) = (labels::name(*class), score.precision(), score.recall());
        println!("{part}: {name}: precision {precision:.3} recall {recall:.3} {score:?}");
    }
    scores
}

#[test]
fn the_texts_it_was_tuned_on_are_told_apart() {
    assert!(set("tuned").len() >= 400);
    for score in report("tuned") {
        assert_eq!((score.wrong, score.missed), (0, 0));
    }
}

#[test]
fn the_texts_it_was_not_tuned_on_are_told_apart_nearly_as_well() {
    assert!(set("held").len() >= 300);
    let [stop, start, help, none] = report("held");
    assert_eq!(start.wrong, 0, "nobody is opted in by mistake");
    assert!(stop.precision() >= 0.97 && stop.recall() >= 0.97, "{stop:?}");
    assert!(help.precision() >= 0.97 && none.precision() >= 0.97, "{help:?} {none:?}");
}

#[test]
fn texts_that_were_written_before_the_lists_were_looked_at_are_told_apart_too() {
    assert!(set("fresh").len() >= 300 && set("sealed").len() >= 150);
    let [stop, start, _, none] = report("fresh");
    assert_eq!((start.wrong, stop.wrong), (0, 0));
    assert!(stop.recall() >= 0.98 && none.recall() >= 0.99, "{stop:?} {none:?}");
    let [stop, start, _, none] = report("sealed");
    assert_eq!(start.wrong, 0, "nobody is opted in by mistake");
    assert!(stop.recall() >= 0.97 && none.recall() >= 0.98, "{stop:?} {none:?}");
}

#[test]
fn an_order_in_the_middle_counts_unless_something_before_it_governs_it() {
    for text in ["this isnt maria stop texting this number", "Im not a customer anymore take me off your list"] {
        assert_eq!(find(text).map(|found| found.0), Some(Intent::Stop), "{text}");
    }
    for text in [
        "my ex wont stop texting me",
        "why does mike stop texting me at night",
        "I told him to stop texting me",
        "no dejen de mandarme ofertas",
        "when they stop sending me texts I miss them",
        "take me off speaker",
    ] {
        assert_eq!(find(text), None, "{text}");
    }
}

#[test]
fn a_stop_that_is_the_last_clause_counts_whatever_came_before() {
    assert_eq!(find("I already voted twice, stop").unwrap().0, Intent::Stop);
    assert_eq!(find("Why do you keep texting me? Stop please!").unwrap().0, Intent::Stop);
    for text in ["he said, stop", "this is funny, stop lol", "go to Elm and then stop", "the next one is my stop"] {
        assert_eq!(find(text), None, "{text}");
    }
}

#[test]
fn words_are_taken_with_a_slip_and_what_only_looks_like_one_isn_t() {
    assert_eq!(find("stop texitng me").unwrap().1, "stop texitng me");
    assert_eq!(find("no more mesages").unwrap().0, Intent::Stop);
    assert_eq!((find("no more massages"), find("stop testing me")), (None, None));
}

#[test]
fn what_matched_is_in_the_words_of_the_lists() {
    let stop = |word: &str| Some((Intent::Stop, word.to_owned()));
    assert_eq!(find("🛑 “Stop”!!"), stop("STOP"));
    assert_eq!(find("opt-out pls"), stop("OPT OUT"));
    assert_eq!(find("Arrêt"), stop("ARRET"));
    assert_eq!(find("STOOOOP"), stop("STOP"));
    assert_eq!(find("unsubbscribee"), stop("UNSUBSCRIBE"));
    assert_eq!(find("Sorry, wrong number. Stop."), stop("STOP"));
    assert_eq!(find("My name is Ann, and please don't text me again"), stop("dont text me"));
    assert_eq!(find("UNSTOP"), Some((Intent::Start, "UNSTOP".to_owned())));
}

#[test]
fn what_is_too_long_is_no_keyword_but_can_begin_with_a_phrase() {
    assert_eq!(find(&"stop ".repeat(1_000)), None);
    assert_eq!(find(&format!("{}stop{}", " ".repeat(1_000), "!".repeat(1_000))).unwrap().0, Intent::Stop);
    let long = format!("Please stop texting me. {}", "I have asked so often. ".repeat(200));
    assert_eq!(find(&long).unwrap().1, "stop texting me");
}

#[test]
fn a_campaign_can_have_words_of_its_own() {
    let intents = intents();
    let (join, leave) = (vec!["JOIN".to_owned(), "Únete ya".to_owned()], vec!["LEAVE".to_owned(), "stop".to_owned()]);
    let own = CustomKeywords::new(intents, [(Intent::Start, join.as_slice()), (Intent::Stop, leave.as_slice())]);
    let own = own.unwrap();
    let find = |text: &str| intents.find(text, Some(&own)).map(|found| (found.intent, found.matched, found.by));
    let (start, stop) = (Intent::Start, Intent::Stop);
    assert_eq!(find("join!"), Some((start, "JOIN".into(), FoundBy::Campaign)));
    assert_eq!(find("unete YA"), Some((start, "Únete ya".into(), FoundBy::Campaign)));
    assert_eq!(find("leave, please"), Some((stop, "LEAVE".into(), FoundBy::Campaign)));
    assert_eq!(find("Stop"), Some((stop, "STOP".into(), FoundBy::Keyword)));
    for text in ["join?", "please join", "joinn", "leave it"] {
        assert_eq!(find(text), None, "{text}");
    }
}

#[test]
fn a_campaigns_words_cant_turn_stop_around() {
    let intents = intents();
    let new = |intent, word: &str| CustomKeywords::new(intents, [(intent, &[word.to_owned()][..])]);
    for word in ["stop", "Stop!", "help", "please stop", "opt-out"] {
        assert!(matches!(new(Intent::Start, word), Err(CustomRefused::Taken { .. })), "{word}");
    }
    assert!(matches!(new(Intent::Stop, "start"), Err(CustomRefused::Taken { .. })));
    assert!(matches!(new(Intent::Stop, "🙂"), Err(CustomRefused::Malformed(_))));
    assert!(matches!(new(Intent::Stop, &"x".repeat(33)), Err(CustomRefused::Malformed(_))));
    let many: Vec<String> = (0..51).map(|n| format!("word{n}")).collect();
    assert_eq!(CustomKeywords::new(intents, [(Intent::Stop, many.as_slice())]), Err(CustomRefused::TooMany));
}

#[test]
fn a_broken_phrase_is_refused_with_its_place() {
    let broken = |from: &str, to: &str| {
        assert!(crate::BUILT_IN_REVOCATION.contains(from), "{from}");
        let text = crate::BUILT_IN_REVOCATION.replacen(from, to, 1);
        Intents::parse(("k.toml", crate::BUILT_IN_KEYWORDS), ("r.toml", &text)).unwrap_err().to_string()
    };
    let line = 1 + crate::BUILT_IN_REVOCATION.lines().position(|line| line.contains("leave me alone")).unwrap();
    assert!(broken("leave me alone", "leave (me alone").starts_with(&format!("r.toml:{line}:")));
    assert!(broken("rage = \"(", "rage = \"(<rage>|").contains("names itself"));
    assert!(broken("<texting-too> <me>", "<nobody>").contains("no `nobody`"));
    assert!(broken("\ntail = \"end\"", "\ntail = \"shut\"").contains("shut"));
}

#[test]
fn a_short_file_cant_make_a_pattern_without_end() {
    let classes: String = (1..10).map(|n| format!("c{n} = \"{}\"\n", format!("<c{}> ", n - 1).repeat(10))).collect();
    let text = crate::BUILT_IN_REVOCATION.replace("[words]\n", &format!("[words]\nc0 = \"a\"\n{classes}"));
    let text = text.replacen("\"leave me alone\"", "\"<c9>\"", 1);
    let error = Intents::parse(("k.toml", crate::BUILT_IN_KEYWORDS), ("r.toml", &text)).unwrap_err().to_string();
    assert!(error.contains("pieces together"), "{error}");
}

#[test]
fn a_text_takes_microseconds() {
    let intents = intents();
    let texts: Vec<_> = set("tuned").into_iter().chain(set("held")).map(|labelled| labelled.text).collect();
    let nasty = "stop please ok i want to ".repeat(20);
    let round = |texts: &[String]| {
        let begin = Instant::now();
        for text in texts {
            std::hint::black_box(intents.find(std::hint::black_box(text), None));
        }
        begin.elapsed().as_micros() / texts.len() as u128
    };
    // The best of several rounds, as the machine may be busy; unoptimized code is allowed its slowness.
    let usual = (0..5).map(|_| round(&texts)).min().unwrap();
    let worst = (0..5).map(|_| round(std::slice::from_ref(&nasty))).min().unwrap();
    println!("{usual} µs a text, {worst} µs the nastiest");
    let slowness = if cfg!(debug_assertions) { 40 } else { 1 };
    assert!(usual <= 100 * slowness && worst <= 2_000 * slowness, "{usual} µs, {worst} µs");
}

proptest! {
    #[test]
    fn any_text_is_looked_at(text in "(?s).{0,200}") {
        let _ = intents().find(&text, None);
    }

    #[test]
    fn an_opt_in_is_a_word_of_the_list_and_nothing_else(words in proptest::collection::vec("(start|unstop|opt|in|please|yes|stop|not|stt?art|optin)", 1..5)) {
        let text = words.join(" ");
        if find(&text).is_some_and(|(intent, _)| intent == Intent::Start) {
            prop_assert!(["start", "unstop", "opt in", "optin"].contains(&text.as_str()), "{}", text);
        }
    }

    #[test]
    fn a_text_of_pattern_words_is_looked_at(words in proptest::collection::vec("(stop|dont|text|me|please|i|want|to|you|list|from|my|and|no|more|the|of|\\.|\\?|\")", 0..150)) {
        let _ = intents().find(&words.join(" "), None);
    }
}
