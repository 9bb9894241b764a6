//! Attributions on a GPU are those of the CPU.

use crate::common::kinds::Kind;
use crate::common::{Table, factornet::Cells, text, tisfm::Data};
use crate::on_card::run;
use std::io::Read;
use std::path::Path;

fn attributions(folder: &Path, output: &str) -> Vec<f32> {
    let file = std::fs::File::open(folder.join(format!("attr.{output}.npz"))).unwrap();
    let mut archive = zip::ZipArchive::new(file).unwrap();
    let mut bytes = Vec::new();
    let mut array = archive.by_name("arr_0.npy").unwrap();
    array.read_to_end(&mut bytes).unwrap();
    npyz::NpyFile::new(&bytes[..]).unwrap().into_vec().unwrap()
}

#[track_caller]
fn alike(folder: &Path, output: &str) {
    let (gpu, cpu) = (
        attributions(&folder.join("gpu"), output),
        attributions(&folder.join("cpu"), output),
    );
    let largest = cpu.iter().fold(0.0f32, |a, b| a.max(b.abs()));
    assert!(largest > 1e-6, "nothing to compare");
    for (gpu, cpu) in gpu.iter().zip(&cpu) {
        assert!(
            (gpu - cpu).abs() <= 1e-3 * largest,
            "{gpu} {cpu}, {largest}"
        );
    }
    for name in ["gpu", "cpu"] {
        let table = Table::read(folder.join(name).join("scores.tsv"));
        assert!(!table.rows.is_empty());
        std::fs::remove_dir_all(folder.join(name)).unwrap();
    }
}

/// The same command on both devices; false where there is no stand-in.
fn both(data: &impl Kind, flags: &str) -> bool {
    let on = |device: &str, out: &str| format!("explain {flags} --out {out} --device {device}");
    let Some(gpu) = run(data.folder(), &on("cuda", "gpu"), &[]) else {
        return false;
    };
    let said = gpu.ok().err;
    assert!(said.contains("device: cuda:0"), "{said}");
    data.run(&on("cpu", "cpu")).ok();
    true
}

#[test]
fn of_a_tisfm_model() {
    let data = Data::new(60, 40);
    data.train("model", "--lr 0.02").ok();
    let lines = text(data.path("sequences.tsv"));
    let few: Vec<&str> = lines.lines().take(2).collect();
    data.write("few.tsv", few.join("\n") + "\n");
    for method in ["ism", "gradient", "integrated --steps 3"] {
        let flags = format!("--model model --sequences few.tsv --method {method}");
        if !both(&data, &flags) {
            return;
        }
        alike(data.folder(), "MCF7");
    }
}

#[test]
fn of_a_factornet_model() {
    let cells = Cells::new();
    cells.train("model", "-e 1 -L 100").ok();
    cells.write("few.bed", "chr2\t5000\t5200\n");
    for method in ["ism", "gradient", "integrated --steps 3"] {
        let flags =
            format!("--model model --bed few.bed -i A --genome genome.fa --method {method}");
        if !both(&cells, &flags) {
            return;
        }
        alike(cells.folder(), "CTCF");
    }
}
