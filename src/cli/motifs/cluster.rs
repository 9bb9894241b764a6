//! `cisgrad motifs cluster`.

use crate::args::numbers::above_zero;
use crate::args::{ThreadArgs, emit, outputs, say};
use crate::data::Notes;
use crate::dna::motif::Motif;
use crate::interpret::motif_clusters::{Group, groups};
use crate::interpret::motif_matches::of_long;
use crate::interpret::tomtom::Distance;
use crate::io::atomic::write_atomic;
use crate::io::meme::{parse_meme, write_meme};
use crate::io::sources::Sources;
use crate::io::tomtom_table::Probability;
use crate::numbers::counted;
use crate::report::progress::Reporter;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    /// Motifs, MEME
    #[arg(value_name = "A.meme")]
    motifs: PathBuf,
    /// Join groups while the mean of log10 p over all their pairs of motifs is log10 of this or less (Tomtom's p-values)
    #[arg(long, default_value_t = 1e-5, value_name = "P", value_parser = above_zero)]
    cut: f64,
    /// Write the table here instead of to stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Also write the representative of each group, MEME
    #[arg(long, value_name = "FILE")]
    representatives: Option<PathBuf>,
    #[command(flatten)]
    threads: ThreadArgs,
}

pub fn run(args: &Args) -> Result<()> {
    args.threads.start()?;
    if args.cut > 1.0 {
        return Err(Error::usage(format!(
            "--cut {}: a p-value is 1 at most",
            args.cut
        )));
    }
    let written = [
        ("--out", &args.out),
        ("--representatives", &args.representatives),
    ];
    let written: Vec<(&str, &Path)> = written
        .into_iter()
        .filter_map(|(flag, file)| Some((flag, file.as_deref()?)))
        .collect();
    outputs::check(&written, std::slice::from_ref(&args.motifs))?;
    let mut notes = Notes::new();
    let motifs = parse_meme(Sources::new().into_lines(&args.motifs)?, &mut notes)?;
    say(&notes);
    if let Some(note) = of_long(&motifs, &args.motifs) {
        tell!("{note}");
    }
    let bar = Reporter::new().bar("comparing", motifs.len(), "motifs");
    let groups = groups(&motifs, args.cut, Distance::Euclidean, || bar.advance(1));
    bar.finish();
    emit(args.out.as_deref(), |w| {
        writeln!(
            w,
            "cluster\tsize\tmotif\tname\trepresentative\tp-value\toffset\torientation"
        )?;
        for (number, group) in groups.iter().enumerate() {
            let representative = &motifs[group.representative].id;
            for member in &group.members {
                let motif = &motifs[member.motif];
                writeln!(
                    w,
                    "{}\t{}\t{}\t{}\t{representative}\t{}\t{}\t{}",
                    number + 1,
                    group.members.len(),
                    motif.id,
                    motif.label.as_deref().unwrap_or_default(),
                    Probability(member.p_value),
                    member.offset,
                    if member.reverse { '-' } else { '+' },
                )?;
            }
        }
        Ok(())
    })?;
    if let Some(file) = &args.representatives {
        let of_group = |group: &Group| motifs[group.representative].clone();
        let representatives: Vec<Motif> = groups.iter().map(of_group).collect();
        write_atomic(file, |w| write_meme(w, &representatives))?;
    }
    tell!(
        "{} in {}",
        counted(motifs.len(), "motif"),
        counted(groups.len(), "group")
    );
    Ok(())
}
