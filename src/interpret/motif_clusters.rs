//! Groups of motifs that resemble each other.

use super::tomtom::{Distance, Scratch, Targets};
use crate::dna::motif::Motif;
use kodama::{Method, linkage};
use rayon::prelude::*;

/// P-values below this count as this: how much two long motifs agree beyond it says nothing more.
const LEAST: f64 = 1e-10;

/// Motifs that are one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The member that resembles the others most.
    pub representative: usize,
    /// In the collection's order.
    pub members: Vec<Member>,
}

/// A motif of a group, beside its representative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Member {
    /// Its place in the collection.
    pub motif: usize,
    /// Of the representative against it, Tomtom's.
    pub p_value: f64,
    /// The position of the motif, on its strand, under the representative's first position.
    pub offset: isize,
    pub reverse: bool,
}

/// Average linkage: two motifs are as far apart as the mean of log10 p in both directions says (Tomtom's p-values by `distance`,
/// the collection itself as targets, at least 1e-10); groups are joined while the mean over all their pairs is log10 `cut` or less.
/// The largest groups come first, of equal ones that with the earliest motif. `seen` hears of each motif that was compared.
pub fn groups(
    motifs: &[Motif],
    cut: f64,
    distance: Distance,
    seen: impl Fn() + Sync,
) -> Vec<Group> {
    let targets = Targets::new(motifs.iter().map(|m| m.rows.as_slice()), distance);
    let count = motifs.len();
    let logs: Vec<Vec<f32>> = motifs
        .par_iter()
        .map_init(Scratch::default, |scratch, motif| {
            let found = targets.compare(&motif.rows, scratch);
            let log = |p: f64| p.max(LEAST).log10() as f32;
            seen();
            found.iter().map(|m| log(m.p_value)).collect()
        })
        .collect();
    let between = |a: usize, b: usize| f64::from(logs[a][b] + logs[b][a]) / 2.0;
    let mut distances: Vec<f64> = Vec::with_capacity(count * count.saturating_sub(1) / 2);
    for a in 0..count {
        distances.extend((a + 1..count).map(|b| between(a, b) - LEAST.log10()));
    }
    let most = cut.log10() - LEAST.log10();
    let mut clusters: Vec<Vec<usize>> = (0..count).map(|motif| vec![motif]).collect();
    if count > 1 {
        // Steps come by rising distance; each one's cluster has the next number.
        for step in linkage(&mut distances, count, Method::Average).steps() {
            let joined = match step.dissimilarity <= most {
                true => {
                    let mut joined = std::mem::take(&mut clusters[step.cluster1]);
                    joined.append(&mut clusters[step.cluster2]);
                    joined
                }
                false => Vec::new(),
            };
            clusters.push(joined);
        }
    }
    clusters.retain(|cluster| !cluster.is_empty());
    clusters
        .iter_mut()
        .for_each(|cluster| cluster.sort_unstable());
    clusters.sort_by_key(|cluster| (std::cmp::Reverse(cluster.len()), cluster[0]));
    clusters
        .into_par_iter()
        .map_init(Scratch::default, |scratch, cluster| {
            let sum = |motif: usize| {
                cluster
                    .iter()
                    .map(|&other| between(motif, other))
                    .sum::<f64>()
            };
            let best =
                |best: usize, &motif: &usize| if sum(motif) < sum(best) { motif } else { best };
            let representative = cluster[1..].iter().fold(cluster[0], best);
            let found = targets.compare(&motifs[representative].rows, scratch);
            let member = |&motif: &usize| Member {
                motif,
                p_value: found[motif].p_value,
                offset: found[motif].offset,
                reverse: found[motif].reverse,
            };
            Group {
                representative,
                members: cluster.iter().map(member).collect(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn motif(text: &str) -> Motif {
        let row = |letter| match "ACGT".find(letter) {
            Some(best) => std::array::from_fn(|i| if i == best { 0.85 } else { 0.05 }),
            None => [0.25; 4],
        };
        Motif {
            id: text.to_string(),
            label: None,
            nsites: None,
            rows: text.chars().map(row).collect(),
        }
    }

    #[test]
    fn motifs_of_one_kind_are_one_group_whatever_their_strand() {
        let motifs = [
            "TGAGTCAT",
            "GGGCGGGGC",
            "NNATGACTCANN",
            "TTATCTTTG",
            "NTGAGTCATN",
            "GCCCCGCCC",
            "ACAGGAAGT",
        ]
        .map(motif);
        let groups = groups(&motifs, 1e-2, Distance::Euclidean, || {});
        let members = |group: &Group| group.members.iter().map(|m| m.motif).collect::<Vec<_>>();
        let found: Vec<_> = groups.iter().map(members).collect();
        assert_eq!(found, [vec![0, 2, 4], vec![1, 5], vec![3], vec![6]]);
        let (first, second) = (&groups[0], &groups[1]);
        assert!([0, 2, 4].contains(&first.representative));
        assert_eq!(second.representative, 1);
        assert!(second.members[1].reverse && second.members[1].offset == 0);
        assert!(first.members.iter().all(|m| m.p_value < 1e-2));
    }

    #[test]
    fn a_cut_decides_and_few_motifs_are_groups_too() {
        let motifs = ["TGAGTCAT", "TGAGTCAT", "GGGCGGGG"].map(motif);
        assert_eq!(groups(&motifs, 1e-9, Distance::Euclidean, || {}).len(), 3);
        assert_eq!(groups(&motifs, 1.0, Distance::Pearson, || {}).len(), 1);
        assert_eq!(
            groups(&motifs[..1], 1e-5, Distance::Euclidean, || {}).len(),
            1
        );
        assert!(groups(&[], 1e-5, Distance::Euclidean, || {}).is_empty());
    }
}
