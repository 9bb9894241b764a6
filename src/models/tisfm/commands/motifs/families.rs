//! The tables of families.

use super::{FIRST, Output};
use crate::Result;
use crate::args::emit;
use crate::metrics::deviation;
use crate::models::tisfm::families::{Families, ranked};
use crate::models::tisfm::motif_ranks::FinalLayer;
use crate::models::tisfm::saved::SavedModel;
use crate::numbers::{counted, descending};

/// Writes the families of each output by rank, or a row per family.
///
/// # Errors
/// What the operating system says.
pub(super) fn write(
    model: &SavedModel,
    layer: &FinalLayer,
    found: &Families,
    output: &Output<'_>,
) -> Result<()> {
    let shown = |feature: usize| layer.shown(feature, model);
    let groups = found.groups.iter();
    let members = groups.map(|group| {
        let members = group.iter().map(|&feature| layer.in_full(feature, model));
        members.collect::<Vec<_>>()
    });
    let members: Vec<Vec<String>> = members.collect();
    let names: Vec<String> = found.leaders.iter().map(|&leader| shown(leader)).collect();
    let several = members.iter().filter(|members| members.len() > 1).count();
    tell!(
        "{} in groups whose activities rise and fall together: {}, {several} of them with two members or more",
        counted(layer.features.len(), "feature"),
        members.len()
    );
    let families = Named {
        members: &members,
        names: &names,
    };
    match output.wide {
        true => wide(model, found, &families, output),
        false => long(model, found, &families, output),
    }
}

struct Named<'a> {
    members: &'a [Vec<String>],
    names: &'a [String],
}

fn long(
    model: &SavedModel,
    found: &Families,
    families: &Named<'_>,
    output: &Output<'_>,
) -> Result<()> {
    let (top, first) = (
        output.top.unwrap_or(usize::MAX),
        output.top.unwrap_or(FIRST),
    );
    let ensemble = found.each.len() > 1;
    let digits = output.digits;
    emit(output.out, |w| {
        writeln!(
            w,
            "output\trank\tfamily\timportance{}\tmotifs\tmembers",
            if ensemble {
                "\timportance_sd\trank_mean\trank_sd\tin_top"
            } else {
                ""
            }
        )?;
        for (number, name) in model.config.model.outputs.iter().enumerate() {
            let ranks: Vec<Vec<usize>> = found.each.iter().map(|one| ranks(&one[number])).collect();
            let rows = ranked(&found.importances[number]);
            for row in rows.into_iter().filter(|row| row.rank <= top) {
                let family = row.family;
                let leader = &families.names[family];
                write!(
                    w,
                    "{name}\t{}\t{leader}\t{}",
                    row.rank,
                    digits.of(row.importance)
                )?;
                if ensemble {
                    let all: Vec<f64> = found.each.iter().map(|one| one[number][family]).collect();
                    let places: Vec<f64> = ranks.iter().map(|r| r[family] as f64).collect();
                    let count = places.len() as f64;
                    let in_top = places
                        .iter()
                        .filter(|place| **place <= first as f64)
                        .count();
                    for x in [
                        deviation(&all).unwrap_or(f64::NAN),
                        places.iter().sum::<f64>() / count,
                        deviation(&places).unwrap_or(f64::NAN),
                        in_top as f64 / count,
                    ] {
                        write!(w, "\t{}", digits.of(x))?;
                    }
                }
                let members = &families.members[family];
                writeln!(w, "\t{}\t{}", members.len(), members.join(", "))?;
            }
        }
        Ok(())
    })
}

/// By family its rank.
pub(in super::super) fn ranks(importances: &[f64]) -> Vec<usize> {
    let mut ranks = vec![0; importances.len()];
    for row in ranked(importances) {
        ranks[row.family] = row.rank;
    }
    ranks
}

/// Those first that do most to any output.
fn wide(
    model: &SavedModel,
    found: &Families,
    families: &Named<'_>,
    output: &Output<'_>,
) -> Result<()> {
    let most = |family: usize| {
        let of_output = found.importances.iter().map(|all| all[family].abs());
        of_output.fold(0.0_f64, f64::max)
    };
    let mut order: Vec<usize> = (0..found.groups.len()).collect();
    order.sort_by(|&a, &b| descending(most(a), most(b)));
    order.truncate(output.top.unwrap_or(usize::MAX));
    emit(output.out, |w| {
        writeln!(
            w,
            "family\t{}\tmotifs\tmembers",
            model.config.model.outputs.join("\t")
        )?;
        for &family in &order {
            write!(w, "{}", families.names[family])?;
            for importances in &found.importances {
                write!(w, "\t{}", output.digits.of(importances[family]))?;
            }
            let members = &families.members[family];
            writeln!(w, "\t{}\t{}", members.len(), members.join(", "))?;
        }
        Ok(())
    })
}
