//! Which of the names that there are a user may have meant.

/// How many are shown.
const SHOWN: usize = 3;

/// Of `all` the few that are most like `wanted`, the most similar first, upper and lower case alike; `names` gives the names that
/// each goes by.
pub fn nearest<T, N: AsRef<str>>(
    wanted: &str,
    all: impl IntoIterator<Item = T>,
    names: impl Fn(&T) -> Vec<N>,
) -> Vec<T> {
    let wanted = wanted.to_lowercase();
    let likeness = |name: &N| {
        let name = name.as_ref().to_lowercase();
        strsim::jaro_winkler(&wanted, &name)
            .max(strsim::normalized_damerau_levenshtein(&wanted, &name))
    };
    let mut all: Vec<(f64, T)> = all
        .into_iter()
        .map(|one| (names(&one).iter().map(likeness).fold(0.0, f64::max), one))
        .collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    all.into_iter().take(SHOWN).map(|(_, one)| one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_similar_by_any_of_its_names_comes_first() {
        let all = [
            ("MA1", "REST"),
            ("MA2", "CTCF"),
            ("MA3", "MAX"),
            ("MA4", "CTCFL"),
        ];
        let found = nearest("ctfc", all, |(id, name)| vec![*id, *name]);
        assert_eq!(found[..2], [("MA2", "CTCF"), ("MA4", "CTCFL")]);
        assert_eq!(found.len(), 3);
        assert_eq!(nearest("MA3", all, |(id, _)| vec![*id])[0], ("MA3", "MAX"));
    }
}
