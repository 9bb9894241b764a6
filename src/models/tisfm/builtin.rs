//! The built-in architectures, and finding one by name.

use super::Spec;
use crate::io::near::nearest;
use crate::io::text::read_text;
use crate::{Error, Result};
use std::path::Path;

macro_rules! builtin {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("architectures/", $name, ".toml")))),*]
    };
}

/// Names and TOML texts: the original's, simplest first, then ours.
pub const ARCHITECTURES: &[(&str, &str)] = builtin![
    "model_pos_calib_sigmoid",
    "model_pos_calib_sigmoid_interaction",
    "model_pos_attention_calib_sigmoid",
    "model_pos_attention_calib_sigmoid_interaction",
    "model_pos_attention_calib_sigmoid_interaction_maxpooling",
    "model_pos_attention_calib_sigmoid_interaction_3_feature_per_motif",
    "model_pos_attention_calib_sigmoid_and_or",
    "model_pos_calib_sigmoid_interaction_w_amplification",
    "model_pos_calib_sigmoid_location_aware",
    "model_pos_calib_sigmoid_attention",
    "model_effect_diffusion",
    "model_effect_modulation",
    "model_effect_modulation_interaction",
    "model_effect_modulation_interaction_global",
    "model_effect_modulation_interaction_sigmoid",
    "model_pos_calib_sigmoid_focal",
    "model_pos_calib_sigmoid_focal_mask",
    "model_pos_calib_sigmoid_focal_pooling",
    "model_pos_calib_sigmoid_focalviapooling",
    "model_pos_calib_nystrom_sampling",
    "model_pos_calib_nystrom_sampling_attention_pooling",
    "model_pos_calib_nystrom_sampling_one_direction",
    "model_pos_calib_nystrom_sampling_random_init",
    "model_pos_calib_sigmoid_nystrom_sampling",
    "model_nystrom_conv_one_direction",
    "aitac",
    "plain",
    "plain_gate",
    "parts3_gate",
];

/// A built-in architecture by name, or a user's own by the path of its TOML file.
///
/// # Errors
/// An unknown name (the message lists the near ones), a file that is no spec.
pub fn find(name: &str) -> Result<Spec> {
    if let Some((_, text)) = ARCHITECTURES.iter().find(|(n, _)| *n == name) {
        return Spec::parse(text, Path::new(&format!("{name}.toml")));
    }
    let path = Path::new(name);
    // A pipe is read as well as a file.
    if name.ends_with(".toml") || path.exists() && !path.is_dir() {
        let text = read_text(path)?;
        return Spec::parse(&text, path);
    }
    let names = ARCHITECTURES.iter().map(|(n, _)| *n);
    let near = nearest(name, names, |n| vec![*n]);
    Err(Error::usage(format!(
        "unknown architecture {name}: did you mean {}? `cisgrad tisfm architectures` lists all; a TOML file of your own is given by its path",
        near.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_spec_reads_and_survives_a_round_trip() {
        for (name, text) in ARCHITECTURES {
            let spec = Spec::parse(text, Path::new(name)).unwrap();
            assert_eq!(spec.name, *name);
            let again = Spec::parse(&spec.to_toml().unwrap(), Path::new(name)).unwrap();
            assert_eq!(spec, again);
        }
    }

    #[test]
    fn an_unknown_name_lists_the_near_ones() {
        let error = find("model_pos_calib_sigmoid_interactoin")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("model_pos_calib_sigmoid_interaction,"),
            "{error}"
        );
    }
}
