//! Factors of which no window is bound in training or in validation: their columns are noise that looks like a score.

use super::multi::MultiTask;
use crate::data::Notes;
use crate::data::split::regions::Part;
use crate::data::windows::COVERED;
use crate::data::windows::peaks::Peaks;
use crate::dna::span::Span;
use crate::numbers::counted;

/// A warning for each factor without a bound window in training, and for each without one in validation, with what
/// became of its peaks. `factors`: names and peaks in the order of the outputs.
pub fn warnings(task: &MultiTask<'_>, factors: &[(String, Peaks)]) -> Notes {
    let parts = [
        (Part::Train, "its column means nothing"),
        (
            Part::Validation,
            "validation cannot tell whether its column means anything",
        ),
    ];
    let mut notes = Notes::new();
    for (part, so) in parts {
        let bound = task.bound(part);
        for ((name, peaks), _) in factors.iter().zip(bound).filter(|(_, bound)| *bound == 0) {
            let why = why(task, peaks, part);
            notes.push(format!(
                "warning: {name}: no window for {part} is bound ({why}); {so}"
            ));
        }
    }
    notes
}

/// Where the peaks are, none of which makes a window of a part.
fn why(task: &MultiTask<'_>, peaks: &Peaks, part: Part) -> String {
    let mut places: Vec<(String, usize)> = Vec::new();
    for &(chromosome, peak) in &peaks.conservative {
        let place = place(task, chromosome, peak, part);
        match places.iter_mut().find(|(known, _)| *known == place) {
            Some((_, count)) => *count += 1,
            None => places.push((place, 1)),
        }
    }
    let all = counted(peaks.conservative.len(), "peak");
    match &places[..] {
        [] => "it has no peaks on the chromosomes in use".to_string(),
        [(place, 1)] => format!("its {all} is {place}"),
        [(place, _)] => format!("its {all} are {place}"),
        several => {
            let counts = several
                .iter()
                .map(|(place, count)| format!("{count} {place}"));
            let counts: Vec<String> = counts.collect();
            format!("of its {all}: {}", counts.join(", "))
        }
    }
}

/// What follows "the peak is": why it makes no window of a part.
fn place(task: &MultiTask<'_>, chromosome: u32, peak: Span, part: Part) -> String {
    let settings = task.settings();
    let other = settings.split.part(chromosome, peak.middle());
    let (start, end) = (i64::from(peak.start), i64::from(peak.end));
    if other != part {
        format!("in {other} regions")
    } else if settings.blacklist.grown.touches(chromosome, start, end) {
        "near the blacklist or a chromosome's end".to_string()
    } else if peak.length() < COVERED {
        format!("shorter than {COVERED} bases")
    } else {
        "near the border of another part".to_string()
    }
}
