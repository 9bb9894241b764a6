use proptest::prelude::*;

use super::*;
use crate::io::meme::parse_meme;
use crate::io::state_dict::{self, StateDict};
use crate::io::text::Lines;

fn meme(sites: &KernelSites) -> String {
    let mut text = Vec::new();
    sites.write_meme(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn sites_become_the_file_that_the_original_writes() {
    let mut sites = KernelSites::new(3, 2, 1);
    sites.add(0, &[0, 4], &[&[1.0, 2.0]]);
    sites.add(2, &[0, 1], &[&[0.5, 0.0]]);
    sites.add(2, &[3, 1], &[&[0.0, 0.0]]);
    sites.add(2, &[0, 4], &[&[1.0, 0.0]]);
    let expected = "MEME version 4.9.0\n\nALPHABET= ACGT\n\nstrands: + -\n\n\
        Background letter frequencies (from uniform background):\n\
        A 0.25000 C 0.25000 G 0.25000 T 0.25000\n\n\
        MOTIF M0 O0\nletter-probability matrix: alength= 4 w= 2 nsites= 1 E= 1337.0e-6\n\
        1.000000 0.000000 0.000000 0.000000\n0.250000 0.250000 0.250000 0.250000\n\n\
        MOTIF M2 O2\nletter-probability matrix: alength= 4 w= 2 nsites= 3 E= 1337.0e-6\n\
        0.666667 0.000000 0.000000 0.333333\n0.000000 1.000000 0.000000 0.000000\n\n";
    assert_eq!(meme(&sites), expected);
    let mean = sites.mean_signal(0);
    assert_eq!((&mean[..2], &mean[4..]), (&[1.0, 2.0][..], &[0.5, 0.0][..]));
    assert!(mean[2].is_nan() && mean[3].is_nan());
}

#[test]
fn the_file_reads_back_as_motifs() {
    let mut sites = KernelSites::new(2, 3, 0);
    sites.add(1, &[0, 1, 2], &[]);
    let text = std::io::Cursor::new(meme(&sites));
    assert_eq!(
        parse_meme(Lines::new("motifs.txt", text), &mut Vec::new()).unwrap(),
        sites.motifs()
    );
    assert_eq!((sites.kernels(), sites.width(), sites.sites(1)), (2, 3, 1));
}

#[test]
#[should_panic(expected = "bases of a site")]
fn a_site_of_another_width_is_a_bug() {
    KernelSites::new(1, 3, 0).add(0, &[0, 1], &[]);
}

proptest! {
    #[test]
    fn parts_add_up(
        sites in prop::collection::vec((0_usize..3, prop::array::uniform4(0_u8..5), prop::array::uniform4(0_i16..99)), 0..30),
        cut in 0_usize..30,
    ) {
        let collect = |sites: &[(usize, [u8; 4], [i16; 4])]| {
            let mut found = KernelSites::new(3, 4, 1);
            for (kernel, bases, values) in sites {
                found.add(*kernel, bases, &[&values.map(f32::from)]);
            }
            found
        };
        let (first, second) = sites.split_at(cut.min(sites.len()));
        let mut merged = collect(first);
        merged.merge(&collect(second));
        prop_assert_eq!(merged, collect(&sites));
    }
}

/// The original's case of a small genome: which positions fire there, and the files that it wrote from them.
struct Genome {
    case: StateDict,
    files: std::path::PathBuf,
}

impl Genome {
    fn read() -> Option<Genome> {
        let folder = crate::real_data::published_numbers()?.join("factornet");
        let files = folder.join("genome_GABPA_metaGENCODE");
        let case = state_dict::read(folder.join("genome_GABPA_metaGENCODE.safetensors")).unwrap();
        Some(Genome { case, files })
    }

    fn numbers(&self, name: &str) -> Vec<f64> {
        self.case.get(name).unwrap().values.to_f64()
    }

    /// The sites by the largest activations of a layer (`conv` or `td`), window by window, forward strand first.
    fn sites(&self, layer: &str) -> KernelSites {
        const LENGTH: usize = 1002;
        const WIDTH: usize = 34;
        const KERNELS: usize = 32;
        const WINDOWS: usize = 60;
        let codes: Vec<u8> = self
            .numbers("genome/seq")
            .iter()
            .map(|&x| x as u8)
            .collect();
        let tracks = self.numbers("genome/bw");
        let windows = self.numbers("windows/start_stop");
        let maxima = self.numbers(&format!("act/{layer}_max"));
        let places = self.numbers(&format!("act/{layer}_argmax"));
        let mut sites = KernelSites::new(KERNELS, WIDTH, 2);
        for window in 0..WINDOWS {
            let middle = (windows[2 * window] as usize + windows[2 * window + 1] as usize) / 2;
            let start = middle - LENGTH / 2;
            let mut bases = codes[start..start + LENGTH].to_vec();
            let mut signals: Vec<Vec<f32>> = (0..2)
                .map(|track| {
                    let value = |i: usize| tracks[2 * i + track] as f32;
                    let gaps_as_0 = |x: f32| if x.is_nan() { 0.0 } else { x };
                    (start..start + LENGTH)
                        .map(|i| gaps_as_0(value(i)))
                        .collect()
                })
                .collect();
            for strand in 0..2 {
                if strand == 1 {
                    bases.reverse();
                    bases
                        .iter_mut()
                        .for_each(|b| *b = if *b < 4 { 3 - *b } else { 4 });
                    signals.iter_mut().for_each(|track| track.reverse());
                }
                for kernel in 0..KERNELS {
                    let index = (strand * WINDOWS + window) * KERNELS + kernel;
                    if maxima[index] > 0.0 {
                        let span = places[index] as usize..places[index] as usize + WIDTH;
                        let under: Vec<&[f32]> = signals.iter().map(|t| &t[span.clone()]).collect();
                        sites.add(kernel, &bases[span.clone()], &under);
                    }
                }
            }
        }
        sites
    }
}

#[test]
fn the_originals_motif_files_are_met_byte_for_byte_but_for_nan_rows() {
    let Some(genome) = Genome::read() else { return };
    for (layer, file, nsites) in [
        ("conv", "motifs.txt", "viz/nsites"),
        ("td", "motifs2.txt", "viz/nsites2"),
    ] {
        let sites = genome.sites(layer);
        let expected: Vec<u64> = genome.numbers(nsites).iter().map(|&n| n as u64).collect();
        assert_eq!(sites.sites, expected);
        let written = std::fs::read_to_string(genome.files.join(file)).unwrap();
        let written = written.replace("nan nan nan nan", "0.250000 0.250000 0.250000 0.250000");
        assert!(meme(&sites) == written, "{file} differs");
    }
}

#[test]
fn the_originals_mean_signals_are_met() {
    let Some(genome) = Genome::read() else { return };
    for (layer, suffix) in [("conv", ""), ("td", "2")] {
        let sites = genome.sites(layer);
        for (track, name) in ["Unique35", "DGF"].into_iter().enumerate() {
            let file = genome.files.join(format!("{name}_meansignal{suffix}.npy"));
            let bytes = std::fs::read(&file).unwrap();
            let npy = npyz::NpyFile::new(&bytes[..]).unwrap();
            assert_eq!(npy.shape(), [32, 34]);
            let expected: Vec<f64> = npy.into_vec().unwrap();
            for (found, expected) in sites.mean_signal(track).iter().zip(&expected) {
                let close = (found - expected).abs() <= 1e-12 * expected.abs();
                assert!(
                    close || found.is_nan() && expected.is_nan(),
                    "{found} {expected}"
                );
            }
        }
    }
}
