//! Prompts of a run, put to a person.

use secrecy::ExposeSecret;

use crate::model::{Choice, Prompt, PromptKind};
use crate::protocol::Command;

use super::ask::Asker;

/// What to show of a prompt: the question, and what led to it.
pub fn question(prompt: &Prompt) -> Vec<String> {
    let mut lines: Vec<String> = prompt.question.lines().map(str::to_owned).collect();
    if let PromptKind::Failure { failure } = &prompt.kind {
        lines.push(failure.line());
    }
    lines.extend(prompt.choices.iter().map(|choice| format!("  {} ({}): {}", choice.word, choice.key, choice.label)));
    lines
}

/// How to answer it from elsewhere.
pub fn how(prompt: &Prompt) -> String {
    let run = prompt.run;
    let words: Vec<&str> = prompt.choices.iter().map(|choice| choice.word.as_str()).collect();
    match prompt.kind {
        _ if !words.is_empty() => format!("answer it: quarterdeck run answer {run} {}", words.join("|")),
        PromptKind::Secret => format!("answer it: quarterdeck run answer {run} (asks for the secret, or reads it from stdin)"),
        PromptKind::Continue => format!("answer it: quarterdeck run answer {run}"),
        _ => format!("answer it: quarterdeck run answer {run} --text TEXT"),
    }
}

/// The choice that was typed: its word, its key or its label.
pub fn chosen<'a>(choices: &'a [Choice], typed: &str) -> Option<&'a Choice> {
    let typed = typed.trim().to_lowercase();
    let mut key = typed.chars();
    let single = key.next().filter(|_| key.next().is_none());
    choices
        .iter()
        .find(|choice| choice.word.to_lowercase() == typed || choice.label.to_lowercase() == typed)
        .or_else(|| choices.iter().find(|choice| Some(choice.key.to_ascii_lowercase()) == single))
}

/// Asks at the terminal until there is a valid answer; `None` when the person gives none.
pub async fn ask(asker: Asker, prompt: Prompt) -> Option<Command> {
    loop {
        if matches!(prompt.kind, PromptKind::Secret) {
            let secret = asker.secret("secret (not shown): ").await.ok()??;
            return Some(with_text(&prompt, secret.expose_secret()));
        }
        if prompt.choices.is_empty() {
            let wanted = if matches!(prompt.kind, PromptKind::Continue) { "Return goes on: " } else { "answer: " };
            return Some(with_text(&prompt, &asker.line(wanted).await.ok()??));
        }
        let words: Vec<&str> = prompt.choices.iter().map(|choice| choice.word.as_str()).collect();
        let typed = asker.line(&format!("{}? ", words.join(", "))).await.ok()??;
        if let Some(choice) = chosen(&prompt.choices, &typed) {
            return Some(Command::Answer { prompt: prompt.id, word: choice.word.clone(), text: None });
        }
    }
}

/// An answer that is text.
pub fn with_text(prompt: &Prompt, text: &str) -> Command {
    Command::Answer { prompt: prompt.id, word: String::new(), text: Some(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_typed_as_word_key_or_label() {
        let choice = |word: &str, key, label: &str| Choice { word: word.into(), key, label: label.into() };
        let choices =
            [choice("retry", 'r', "try again"), choice("skip", 's', "go on without a-1"), choice("undo", 'u', "roll back")];
        for (typed, word) in
            [("retry", Some("retry")), (" S ", Some("skip")), ("Roll back", Some("undo")), ("", None), ("x", None)]
        {
            assert_eq!(chosen(&choices, typed).map(|c| c.word.as_str()), word, "{typed:?}");
        }
    }
}
