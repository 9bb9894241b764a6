//! How a model's scores stand beside simple rules: differences of the auPRC, and lines for people.

use super::scored_windows::Known;
use crate::Result;
use crate::metrics::blocks::{Difference, FEWEST_BLOCKS};
use crate::metrics::classification::{Ranked, auprc_differences};
use crate::models::factornet::baselines::Rule;

/// Bases of a block that is drawn whole for the interval of a difference.
pub(super) const BLOCK: u32 = 1_000_000;

/// A rule's auPRC.
pub(super) struct Beside<'a> {
    pub rule: &'a Rule,
    pub auprc: f64,
    /// The model's less the rule's.
    difference: Option<Difference>,
}

/// Rules beside a model's scores of the known windows. `blocks`: by window, all of them.
///
/// # Errors
/// A rule's score that is not a number.
pub(super) fn beside<'a>(
    own: &Ranked,
    rules: impl Iterator<Item = &'a Rule>,
    known: &Known,
    blocks: &[u32],
    seed: u64,
) -> Result<Vec<Beside<'a>>> {
    let rules: Vec<&Rule> = rules.collect();
    let ranked = rules.iter();
    let ranked = ranked.map(|rule| Ranked::new(&known.of(&rule.scores), &known.labels));
    let ranked: Vec<Ranked> = ranked.collect::<Result<_>>()?;
    let differences = auprc_differences(own, &ranked, &known.of(blocks), seed);
    let all = rules.into_iter().zip(&ranked).zip(differences);
    let beside = all.map(|((rule, ranked), difference)| Beside {
        rule,
        auprc: ranked.measures().auprc,
        difference,
    });
    Ok(beside.collect())
}

/// Which rules a model does not beat (its auPRC is not above the rule's beyond chance: the interval of the difference reaches 0; of too few blocks
/// for an interval: it is not above), and which it beats.
pub(super) fn told(factor: &str, own: f64, beside: &[Beside]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut beaten = Vec::new();
    for Beside {
        rule,
        auprc,
        difference,
    } in beside
    {
        let figures = format!("auPRC {auprc:.4}, the model's {own:.4}");
        let interval = difference.map(|Difference { value, low, high }| {
            format!("; difference {value:.4}, 95 % interval {low:.4} to {high:.4}")
        });
        let better = match difference {
            Some(difference) => difference.low > 0.0,
            None => own > *auprc,
        };
        match better {
            true => beaten.push(match difference {
                Some(Difference { value, low, high }) => {
                    format!("{} ({value:.4}, {low:.4} to {high:.4})", rule.what)
                }
                None => format!(
                    "{} (auPRC {auprc:.4}, the model's {own:.4}; no interval, of fewer than {FEWEST_BLOCKS} blocks of 1 Mb: it may be chance)",
                    rule.what
                ),
            }),
            // Of no bound window there is nothing to say.
            false if own.is_nan() => {}
            false => lines.push(format!(
                "{factor}: not beaten: {} ({figures}{})",
                rule.what,
                interval.unwrap_or_default()
            )),
        }
    }
    if !beaten.is_empty() {
        let figures = match beside.iter().any(|rule| rule.difference.is_some()) {
            true => " (difference of the auPRC, 95 % interval)",
            false => "",
        };
        lines.push(format!("{factor}: beaten{figures}: {}", beaten.join("; ")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_beaten_where_the_interval_is_above_0() {
        let rule = |name: &str| Rule {
            name: name.to_string(),
            what: format!("what {name} says"),
            scores: Vec::new(),
        };
        let (a, b, c) = (rule("a"), rule("b"), rule("c"));
        let beside = |rule, auprc, interval: Option<(f64, f64)>| Beside {
            rule,
            auprc,
            difference: interval.map(|(low, high)| Difference {
                value: 0.5 - auprc,
                low,
                high,
            }),
        };
        let all = [
            beside(&a, 0.25, Some((0.125, 0.375))),
            beside(&b, 0.375, Some((-0.0625, 0.25))),
            beside(&c, 0.5, None),
        ];
        assert_eq!(
            told("CTCF", 0.5, &all),
            [
                "CTCF: not beaten: what b says (auPRC 0.3750, the model's 0.5000; difference 0.1250, 95 % interval -0.0625 to 0.2500)",
                "CTCF: not beaten: what c says (auPRC 0.5000, the model's 0.5000)",
                "CTCF: beaten (difference of the auPRC, 95 % interval): what a says (0.2500, 0.1250 to 0.3750)",
            ]
        );
        assert!(told("CTCF", f64::NAN, &all[2..]).is_empty());
    }
}
