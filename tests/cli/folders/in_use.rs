//! Folders that hold something already.

use crate::common::kinds::Kind;
use crate::common::snapshot::Snapshot;
use crate::common::tisfm::Data;

for_each_kind! {
    a_folder_in_use_is_left_as_it_is;
    a_file_in_the_place_of_the_folder_stays;
    train_refuses_a_folder_whose_files_are_not_ours;
    convert_refuses_a_folder_whose_files_are_not_ours;
    convert_refuses_the_folder_of_its_weights;
    convert_does_not_write_over_a_model;
}

fn a_folder_in_use_is_left_as_it_is<K: Kind>() {
    let data = K::small();
    data.train("model", &K::epochs(1)).ok();
    let before = Snapshot::of(data.path("model"));
    data.train("model", &K::epochs(1))
        .fails(1, &["model", "--resume"]);
    before.assert_same("a second run");
}

fn a_file_in_the_place_of_the_folder_stays<K: Kind>() {
    let data = K::small();
    data.write("file", "text");
    let before = Snapshot::of(data.folder());
    data.train("file", "").fails(1, &["file"]);
    data.train("file", "--resume").fails(1, &["file"]);
    data.train("file/model", "").fails(1, &["file"]);
    before.assert_same("train");
}

/// A folder without a config.json of ours: what is in it no run of ours wrote.
fn refuses_files_of<K: Kind>(names: &[&str], arguments: impl Fn(&K) -> Vec<String>) {
    for name in names {
        let data = K::small();
        let all = arguments(&data);
        std::fs::create_dir(data.path("mine")).unwrap();
        let content = match *name {
            "config.json" => "{\"model_type\": \"bert\", \"hidden_size\": 768}\n",
            _ => "mine\n",
        };
        data.write(&format!("mine/{name}"), content);
        let before = Snapshot::of(data.folder());
        for arguments in all {
            data.run(&arguments).refused(&["mine"]);
            before.assert_same(&format!("{name}, {arguments}"));
        }
    }
}

fn train_refuses_a_folder_whose_files_are_not_ours<K: Kind>() {
    let names = [
        "config.json",
        "history.tsv",
        "state.safetensors",
        "model.best.safetensors",
        "model.last.safetensors",
        "model.1.safetensors",
        K::OWN_FILE,
    ];
    refuses_files_of(&names, |data: &K| {
        vec![
            data.train_over_arguments("mine"),
            data.train_arguments("mine", "--resume"),
        ]
    });
}

/// A path makes its models in folders of its own choosing.
#[test]
fn a_path_refuses_a_step_that_is_not_ours() {
    let data = Data::small();
    let path = "--penalty-param 0.001 0.1 --number-of-epochs 1";
    std::fs::create_dir_all(data.path("mine/path_1")).unwrap();
    data.write("mine/path_1/history.tsv", "mine\n");
    let before = Snapshot::of(data.folder());
    for flags in [path.to_string(), format!("{path} --resume")] {
        data.train("mine", &flags).refused(&["mine", "history.tsv"]);
        before.assert_same(&flags);
    }
}

fn convert_refuses_a_folder_whose_files_are_not_ours<K: Kind>() {
    let names = [
        "config.json",
        "model.best.safetensors",
        "model.last.safetensors",
    ];
    refuses_files_of(&names, |data: &K| {
        vec![data.convert_arguments("weights", "mine")]
    });
}

/// By whatever path.
fn convert_refuses_the_folder_of_its_weights<K: Kind>() {
    let data = K::small();
    for out in ["weights", "./weights/", "link"] {
        let arguments = data.convert_arguments("weights", out);
        if out == "link" {
            std::os::unix::fs::symlink("weights", data.path("link")).unwrap();
        }
        let before = Snapshot::of(data.path("weights"));
        data.run(&arguments).refused(&[out]);
        before.assert_same(&arguments);
    }
}

fn convert_does_not_write_over_a_model<K: Kind>() {
    let data = K::small();
    data.train("model", &K::epochs(1)).ok();
    let arguments = data.convert_arguments("weights", "model");
    let before = Snapshot::of(data.path("model"));
    data.run(&arguments)
        .fails(1, &["model", "holds a model already"]);
    before.assert_same(&arguments);
}
