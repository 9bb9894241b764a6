//! What `visualize` writes of one layer.

use crate::Result;
use crate::args::own_name::FileNames;
use crate::dna::motif::{Motif, core, reverse_complement};
use crate::interpret::kernel_motifs::KernelSites;
use crate::interpret::motif_clusters::groups;
use crate::interpret::motif_matches::{Match, best_matches, write_matches};
use crate::interpret::tomtom::Distance;
use crate::io::atomic::write_atomic;
use crate::io::npy::write_npy_matrix;
use crate::io::tomtom_table::Probability;
use crate::models::factornet::Spec;
use crate::models::factornet::samples::Sample;
use crate::models::factornet::samples::inputs::Inputs;
use crate::models::factornet::site_signals::signals;
use crate::numbers::{counted, descending, rounded};
use crate::report::aligned_logos::{Other, Stack, aligned_svg};
use crate::report::logo::{Cell, logo_grid_svg, logo_svg};
use crate::report::signal_plot::{Panel, signal_svg};
use std::collections::HashMap;
use std::path::Path;

/// Kernels of one group resemble each other so much that the mean p-value of their pairs is this or less.
const ALIKE: f64 = 1e-4;

/// Chance that any kernel is named wrongly.
const MOST: f64 = 0.05;

/// A layer with the sites of its kernels.
pub struct Layer<'a> {
    /// What the names of its files end with.
    pub number: &'a str,
    pub sites: &'a KernelSites,
    /// Of each kernel, as [`contributions`](crate::models::factornet::kernel_contribution::contributions) defines it.
    pub contributions: &'a [f64],
    pub tracks: &'a [String],
    pub spec: &'a Spec,
    pub inputs: &'a Inputs,
    /// The windows that the sites' places are about.
    pub samples: &'a [Sample],
    pub known: Option<&'a [Motif]>,
    /// Only the best matches.
    pub top: usize,
}

/// The files of a layer of so many kernels, whether all of them come to be or not.
pub fn file_names(number: &str, kernels: usize, tracks: &[String], known: bool) -> Vec<String> {
    let mut names = vec![
        format!("motifs{number}.txt"),
        format!("kernels{number}.tsv"),
        format!("logos{number}.svg"),
    ];
    names.extend((0..kernels).map(|kernel| logo_name(number, kernel)));
    for signal in mean_signals(tracks, number) {
        names.extend([format!("{signal}.npy"), format!("{signal}.svg")]);
    }
    if known {
        names.extend([
            format!("matches{number}.tsv"),
            format!("matches{number}.svg"),
        ]);
    }
    names
}

fn logo_name(number: &str, kernel: usize) -> String {
    format!("logo{number}_M{kernel}.svg")
}

/// A file's name for each track, whatever the tracks are called.
fn mean_signals(tracks: &[String], number: &str) -> Vec<String> {
    let mut own = FileNames::default();
    let name = |track: &String| format!("{}_meansignal{number}", own.of(track));
    tracks.iter().map(name).collect()
}

/// A layer's kernels on a page.
pub struct ShownLayer {
    /// Kernel, contribution, sites, the most similar known motif, its p and q.
    pub rows: Vec<Vec<String>>,
    /// Of the first ones.
    pub logos: String,
    /// By track, around their sites.
    pub signals: Vec<String>,
}

/// A kernel that resembles a known motif.
pub struct Named {
    pub kernel: String,
    pub motif: Motif,
    pub q_value: f64,
}

/// A kernel in its place among the others.
struct Shown {
    kernel: usize,
    /// From 1, in the order of the table.
    group: usize,
    /// The group's first kernel has it the other way round.
    reverse: bool,
}

impl Layer<'_> {
    /// Writes the layer's files. The known motifs that kernels resemble, even when one allows for the number of kernels: first that of the kernel that
    /// contributes most.
    pub fn write(&self, folder: &Path) -> Result<Vec<Named>> {
        let number = self.number;
        write_atomic(folder.join(format!("motifs{number}.txt")), |w| {
            self.sites.write_meme(w)
        })?;
        let motifs = self.sites.motifs();
        let matches = self.known.map(|known| best_matches(&motifs, known));
        let matches = matches.unwrap_or_default();
        let order = self.order(&motifs);
        self.write_kernels(folder, &order, &matches)?;
        self.write_logos(folder, &order, &matches)?;
        if self.known.is_some() {
            self.write_matches(folder, &matches)?;
        }
        let names = mean_signals(self.tracks, number);
        for (index, name) in names.into_iter().enumerate() {
            let means = self.sites.mean_signal(index);
            let width = self.sites.width();
            write_npy_matrix(folder.join(format!("{name}.npy")), width, &means)?;
            let text = self.signals_svg(index, &order);
            write_atomic(folder.join(format!("{name}.svg")), |w| {
                w.write_all(text.as_bytes())
            })?;
        }
        // As many kernels were compared as have sites.
        let sure = |found: &Match| found.q_value * motifs.len() as f64 <= MOST;
        let mut names = self::names(&matches);
        names.retain(|_, found| sure(found));
        let by_contribution =
            |a: &usize, b: &usize| descending(self.contributions[*a], self.contributions[*b]);
        let mut kernels: Vec<usize> = (0..self.sites.kernels()).collect();
        kernels.sort_by(by_contribution);
        let named = kernels.into_iter().filter_map(|kernel| {
            let found = names.get(format!("M{kernel}").as_str())?;
            Some(Named {
                kernel: found.learned.id.clone(),
                motif: found.known.clone(),
                q_value: found.q_value,
            })
        });
        Ok(named.collect())
    }

    /// The kernels that contribute most, as a page shows them.
    pub fn shown(&self) -> ShownLayer {
        let motifs = self.sites.motifs();
        let matches = self.known.map(|known| best_matches(&motifs, known));
        let matches = matches.unwrap_or_default();
        let mut order = self.order(&motifs);
        let contribution = |shown: &Shown| self.contributions[shown.kernel];
        order.sort_by(|a, b| descending(contribution(a), contribution(b)));
        let by_kernel: HashMap<&str, &Match> = matches
            .iter()
            .map(|found| (found.learned.id.as_str(), found))
            .collect();
        let row = |shown: &Shown| {
            let id = format!("M{}", shown.kernel);
            let found = by_kernel.get(id.as_str());
            vec![
                id.clone(),
                rounded(contribution(shown)).to_string(),
                self.sites.sites(shown.kernel).to_string(),
                found.map_or(String::new(), |m| m.known.shown()),
                found.map_or(String::new(), |m| Probability(m.p_value).to_string()),
                found.map_or(String::new(), |m| Probability(m.q_value).to_string()),
            ]
        };
        let rows = order.iter().map(row).collect();
        order.truncate(self.top);
        let tracks = 0..self.tracks.len();
        ShownLayer {
            rows,
            logos: self.grid_svg(&order, &matches),
            signals: tracks
                .map(|track| self.signals_of(track, &order, false))
                .collect(),
        }
    }

    /// A track around the sites of each kernel, in the order of the logos.
    fn signals_svg(&self, track: usize, order: &[Shown]) -> String {
        self.signals_of(track, order, true)
    }

    /// `all`: those without sites, too.
    fn signals_of(&self, track: usize, order: &[Shown], all: bool) -> String {
        let found = signals(self.spec, self.inputs, self.samples, self.sites, track);
        let empty = self.empty().filter(|_| all);
        let kernels = order.iter().map(|shown| shown.kernel).chain(empty);
        let panels: Vec<Panel> = kernels
            .map(|kernel| Panel {
                name: format!("M{kernel}, {}", counted(found[kernel].sites, "site")),
                mean: &found[kernel].mean,
                band: &found[kernel].band,
            })
            .collect();
        signal_svg(&self.tracks[track], &panels)
    }

    /// Kernels with sites: groups by what their first kernel contributes, and so within each.
    fn order(&self, motifs: &[Motif]) -> Vec<Shown> {
        let kernels: Vec<usize> = (0..self.sites.kernels())
            .filter(|&kernel| self.sites.sites(kernel) > 0)
            .collect();
        let cores: Vec<Motif> = motifs
            .iter()
            .map(|motif| Motif {
                rows: motif.rows[core(&motif.rows)].to_vec(),
                ..motif.clone()
            })
            .collect();
        let contribution = |kernel: usize| self.contributions[kernel];
        let mut found: Vec<Vec<(usize, bool)>> = groups(&cores, ALIKE, Distance::Pearson, || {})
            .into_iter()
            .map(|group| {
                let members = group.members.iter();
                let mut members: Vec<(usize, bool)> =
                    members.map(|m| (kernels[m.motif], m.reverse)).collect();
                members.sort_by(|a, b| contribution(b.0).total_cmp(&contribution(a.0)));
                members
            })
            .collect();
        let first = |group: &[(usize, bool)]| contribution(group[0].0);
        found.sort_by(|a, b| first(b).total_cmp(&first(a)));
        let of_group = |(number, group): (usize, Vec<(usize, bool)>)| {
            let strand = group[0].1;
            group.into_iter().map(move |(kernel, reverse)| Shown {
                kernel,
                group: number + 1,
                reverse: reverse != strand,
            })
        };
        found.into_iter().enumerate().flat_map(of_group).collect()
    }

    /// A line for each kernel, those without sites last.
    fn write_kernels(&self, folder: &Path, order: &[Shown], matches: &[Match]) -> Result<()> {
        let names = names(matches);
        write_atomic(folder.join(format!("kernels{}.tsv", self.number)), |w| {
            writeln!(
                w,
                "kernel\tsites\tcontribution\tgroup\torientation\tmotif\tname"
            )?;
            for shown in order {
                let id = format!("M{}", shown.kernel);
                let found = names.get(id.as_str());
                writeln!(
                    w,
                    "{id}\t{}\t{}\t{}\t{}\t{}\t{}",
                    self.sites.sites(shown.kernel),
                    rounded(self.contributions[shown.kernel]),
                    shown.group,
                    if shown.reverse { '-' } else { '+' },
                    found.map_or("", |m| m.known.id.as_str()),
                    found
                        .and_then(|m| m.known.label.as_deref())
                        .unwrap_or_default(),
                )?;
            }
            for kernel in self.empty() {
                writeln!(
                    w,
                    "M{kernel}\t0\t{}\t\t\t\t",
                    rounded(self.contributions[kernel])
                )?;
            }
            Ok(())
        })
    }

    fn empty(&self) -> impl Iterator<Item = usize> {
        (0..self.sites.kernels()).filter(|&kernel| self.sites.sites(kernel) == 0)
    }

    fn write_logos(&self, folder: &Path, order: &[Shown], matches: &[Match]) -> Result<()> {
        let number = self.number;
        let sites = |kernel: usize| counted(self.sites.sites(kernel) as usize, "site");
        for kernel in 0..self.sites.kernels() {
            let title = format!("M{kernel}, {}", sites(kernel));
            let rows = match self.sites.sites(kernel) {
                0 => Vec::new(),
                _ => self.sites.probabilities(kernel),
            };
            write_atomic(folder.join(logo_name(number, kernel)), |w| {
                w.write_all(logo_svg(&title, &rows).as_bytes())
            })?;
        }
        let text = self.grid_svg(order, matches);
        write_atomic(folder.join(format!("logos{number}.svg")), |w| {
            w.write_all(text.as_bytes())
        })
    }

    /// The logos of kernels, with what they contribute and resemble.
    fn grid_svg(&self, order: &[Shown], matches: &[Match]) -> String {
        let names = names(matches);
        let sites = |kernel: usize| counted(self.sites.sites(kernel) as usize, "site");
        let drawn: Vec<(Vec<[f64; 4]>, usize)> = order
            .iter()
            .map(|shown| {
                let mut rows = self.sites.probabilities(shown.kernel);
                if shown.reverse {
                    rows = reverse_complement(&rows);
                }
                let core = core(&rows);
                (rows[core.clone()].to_vec(), core.start + 1)
            })
            .collect();
        let cells: Vec<Cell> = order
            .iter()
            .zip(&drawn)
            .map(|(shown, (rows, first))| {
                let id = format!("M{}", shown.kernel);
                let name = names.get(id.as_str()).map(|m| m.known.shown());
                let strand = if shown.reverse {
                    ", reverse complement"
                } else {
                    ""
                };
                let contribution = self.contributions[shown.kernel];
                Cell {
                    titles: [
                        format!(
                            "{id}, {}{strand}, group {}",
                            sites(shown.kernel),
                            shown.group
                        ),
                        match name {
                            Some(name) => format!("contribution {contribution:.2e}; {name}"),
                            None => format!("contribution {contribution:.2e}"),
                        },
                    ],
                    rows,
                    first: *first,
                }
            })
            .collect();
        let empty: Vec<String> = self.empty().map(|kernel| format!("M{kernel}")).collect();
        let foot = match empty.is_empty() {
            true => String::new(),
            false => format!("Without sites: {}", empty.join(", ")),
        };
        let title =
            "Kernels by how much the predictions change without them; those of one group are alike";
        logo_grid_svg(title, &cells, &foot)
    }

    fn write_matches(&self, folder: &Path, matches: &[Match]) -> Result<()> {
        let number = self.number;
        let matches = &matches[..self.top.min(matches.len())];
        write_atomic(folder.join(format!("matches{number}.tsv")), |w| {
            write_matches(w, matches)
        })?;
        let named: Vec<&Match> = matches.iter().filter(|m| m.is_significant()).collect();
        if named.is_empty() {
            tell!(
                "note: no kernel of motifs{number}.txt resembles a known motif beyond chance (q-values above 0.05): matches{number}.svg is empty"
            );
        }
        write_atomic(folder.join(format!("matches{number}.svg")), |w| {
            w.write_all(pairs_svg(&named).as_bytes())
        })
    }
}

/// The significant match of each kernel that has one, by its identifier.
fn names<'a>(matches: &'a [Match<'a>]) -> HashMap<&'a str, &'a Match<'a>> {
    let significant = matches.iter().filter(|found| found.is_significant());
    significant
        .map(|found| (found.learned.id.as_str(), found))
        .collect()
}

/// Each kernel below the known motif that it resembles most.
fn pairs_svg(matches: &[&Match]) -> String {
    let sites = |found: &Match<'_>| counted(found.learned.nsites.unwrap_or(0.0) as usize, "site");
    // The known motif stands as it is known; the kernel is turned to it.
    let strand = |found: &Match<'_>| match found.reverse {
        true => ", reverse complement",
        false => "",
    };
    let pairs: Vec<Stack<'_>> = matches
        .iter()
        .map(|found| Stack {
            title: format!(
                "{}, p = {}, q = {}",
                found.known.shown(),
                Probability(found.p_value),
                Probability(found.q_value)
            ),
            rows: &found.known.rows,
            others: vec![Other::below(
                format!("{}, {}{}", found.learned.id, sites(found), strand(found)),
                &found.known.rows,
                &found.learned.rows,
                found.offset,
                found.reverse,
            )],
        })
        .collect();
    aligned_svg(&pairs)
}
