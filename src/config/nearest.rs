//! The nearest right thing to what was found, for every message about an unknown word.

/// Finds the known word that was probably meant; `None` when nothing is close.
///
/// Close is a third of the letters changed, added, dropped or swapped, or one word being the start of the other.
pub(crate) fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let found = found.to_lowercase().replace('-', "_");
    let tolerated = (found.chars().count() / 3).max(1);
    let distance = |word: &str| {
        let word = word.to_lowercase().replace('-', "_");
        let starts = found.len().min(word.len()) >= 3 && (word.starts_with(&found) || found.starts_with(&word));
        let distance = strsim::damerau_levenshtein(&found, &word);
        (distance <= tolerated).then_some(distance).or(starts.then_some(tolerated + 1))
    };
    known
        .into_iter()
        .filter_map(|word| Some((distance(word)?, word)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// The end of a message: `; did you mean "deadline"?`, or nothing.
pub(crate) fn did_you_mean<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(found, known).map_or_else(String::new, |word| format!("; did you mean \"{word}\"?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_word_and_noise_finds_nothing() {
        let known = ["deadline", "direct_line", "sources", "allow"];
        assert_eq!(nearest("deadlin", known), Some("deadline"));
        assert_eq!(nearest("direct-line", known), Some("direct_line"));
        assert_eq!(nearest("Alow", known), Some("allow"));
        assert_eq!(nearest("source", known), Some("sources"));
        assert_eq!(nearest("colour", known), None);
    }
}
