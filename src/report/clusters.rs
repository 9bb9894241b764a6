//! Rows put in an order in which similar ones are neighbours, and the tree that says how similar.

/// Two groups of rows that become one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Join {
    /// Where the two stems stand, in places of the order (a row's own place is its index there), and at which heights they begin.
    pub stems: [(f64, f64); 2],
    pub height: f64,
}

/// A hierarchical clustering.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    /// Rows from first to last.
    pub order: Vec<usize>,
    /// From the closest pair to the whole.
    pub joins: Vec<Join>,
}

/// Average linkage over Euclidean distances, as seaborn's clustermap has it by default. Of two groups the one with the earliest row
/// comes first.
pub fn tree(rows: &[Vec<f64>]) -> Tree {
    let n = rows.len();
    if n < 2 {
        return Tree {
            order: (0..n).collect(),
            joins: Vec::new(),
        };
    }
    let distance = |a: &[f64], b: &[f64]| {
        let squares = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b));
        squares.sum::<f64>().sqrt()
    };
    let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
    let mut distances: Vec<f64> = pairs.map(|(i, j)| distance(&rows[i], &rows[j])).collect();
    let found = kodama::linkage(&mut distances, n, kodama::Method::Average);
    // Groups by number: the rows, then one more with each step.
    let mut groups: Vec<Vec<usize>> = (0..n).map(|row| vec![row]).collect();
    for step in found.steps() {
        let mut both = [step.cluster1, step.cluster2].map(|group| groups[group].clone());
        both.sort_by_key(|rows| rows.iter().min().copied());
        groups.push(both.concat());
    }
    let order = groups.pop().unwrap_or_default();
    let mut places = vec![0.0; n];
    for (place, &row) in order.iter().enumerate() {
        places[row] = place as f64;
    }
    let mut stems: Vec<(f64, f64)> = places.into_iter().map(|place| (place, 0.0)).collect();
    let mut joins = Vec::new();
    for step in found.steps() {
        let mut both = [stems[step.cluster1], stems[step.cluster2]];
        both.sort_by(|a, b| a.0.total_cmp(&b.0));
        let height = step.dissimilarity;
        joins.push(Join {
            stems: both,
            height,
        });
        stems.push(((both[0].0 + both[1].0) / 2.0, height));
    }
    Tree { order, joins }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_rows_join_first_and_stand_side_by_side() {
        let rows = [0.0, 10.0, 1.0, 12.0].map(|x| vec![x, 0.0]);
        let found = tree(&rows);
        assert_eq!(found.order, [0, 2, 1, 3]);
        let heights: Vec<f64> = found.joins.iter().map(|join| join.height).collect();
        // Averages: (10 + 12 + 9 + 11) / 4.
        assert_eq!(heights, [1.0, 2.0, 10.5]);
        assert_eq!(found.joins[2].stems, [(0.5, 1.0), (2.5, 2.0)]);
    }

    #[test]
    fn one_row_or_none_is_a_tree_without_joins() {
        assert_eq!(tree(&[]), Tree::default());
        assert_eq!(tree(&[vec![1.0]]).order, [0]);
    }
}
