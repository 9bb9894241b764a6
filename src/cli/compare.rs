//! `cisgrad compare`: the same figures of several models, with intervals of their differences.

use crate::Result;
use crate::args::{Digits, emit};
use crate::io::atomic::write_atomic;
use crate::metrics::comparison::{Comparison, Line};
use crate::models::kinds::{self, Compare};
use crate::report::comparison_plot::{Bar, Panel, comparison_svg};

/// What the mean over all outputs is called in the table.
const ALL: &str = "(mean)";

pub fn run(args: &Compare) -> Result<()> {
    let found = kinds::compare(args)?;
    let digits = Digits::of_output(args.given.out.as_deref());
    emit(args.given.out.as_deref(), |w| {
        writeln!(
            w,
            "output\tmodel\tmodels\t{0}\t{0}_sd\tdifference\tlow\thigh",
            found.measure
        )?;
        found
            .lines
            .iter()
            .try_for_each(|line| writeln!(w, "{}", fields(line, digits)))
    })?;
    if found.lines.iter().any(|line| line.members > 1) {
        tell!(
            "of an ensemble the figure is the mean of its models' own, and its spread; what the mean of their predictions reaches, tisfm test and factornet evaluate tell"
        );
    }
    if let Some(file) = &args.given.plot {
        let text = picture(&found, &args.given.names());
        write_atomic(file, |w| w.write_all(text.as_bytes()))?;
        tell!("{}", file.display());
    }
    Ok(())
}

fn fields(line: &Line, digits: Digits) -> String {
    let number = |x: Option<f64>| x.map_or(String::new(), |x| digits.of(x).to_string());
    let difference = line.difference;
    [
        line.output.clone().unwrap_or_else(|| ALL.to_string()),
        line.model.clone(),
        line.members.to_string(),
        digits.of(line.mean).to_string(),
        number(line.sd),
        number(difference.map(|d| d.value)),
        number(difference.map(|d| d.low)),
        number(difference.map(|d| d.high)),
    ]
    .join("\t")
}

fn picture(found: &Comparison, models: &[String]) -> String {
    let panels = found.lines.chunks(models.len().max(1)).map(|lines| Panel {
        title: lines[0]
            .output
            .clone()
            .unwrap_or_else(|| "mean over the outputs".to_string()),
        bars: lines
            .iter()
            .map(|line| Bar {
                value: line.mean,
                spread: line.sd,
                difference: line.difference.map(|d| [d.value, d.low, d.high]),
            })
            .collect(),
    });
    let panels: Vec<Panel> = panels.collect();
    comparison_svg(found.measure, models, &panels)
}
