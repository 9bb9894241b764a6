//! Sets of choices that trained well, by name.

/// What `--recipe` can be.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipe {
    Recommended,
}

/// What to say where a run has no recipe.
pub const POINTER: &str = "settings: the original's but for what the flags say; --recipe recommended is a set that trained better where it was tried (docs/guide.md)";

/// What a flag says, else the recipe, else the original.
pub fn choose<T>(given: Option<T>, recipe: Option<Recipe>, recommended: T, original: T) -> T {
    match (given, recipe) {
        (Some(given), _) => given,
        (None, Some(Recipe::Recommended)) => recommended,
        (None, None) => original,
    }
}
