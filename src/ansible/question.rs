//! What the questions on the terminal of `ansible-playbook` mean.

use crate::base::job::JobPrompt;
use crate::model::{PromptKind, text};

/// What `pause` says when it waits for time to pass, not for an answer.
pub const NOT_QUESTIONS: [&str; 1] = ["(ctrl+C then 'C' = continue early"];

/// The question as people should read it, and what kind of answer it wants.
pub fn read(prompt: &JobPrompt) -> (String, PromptKind) {
    let clean = text::clean_lines(&prompt.text);
    let lines: Vec<&str> = clean.lines().map(|l| l.trim_end_matches('·').trim_end()).collect();
    // The banner of the task stands in the output before the question of a `pause`.
    let from = lines.iter().rposition(|l| is_banner(l)).map_or(0, |at| at + 1);
    let question = lines[from..].join("\n");
    if question.ends_with("Press enter to continue, Ctrl+C to interrupt:") {
        let task = question.lines().next().filter(|l| l.starts_with('[')).map(|l| l.trim_matches(['[', ']']));
        return (task.unwrap_or("The playbook pauses.").to_owned(), PromptKind::Continue);
    }
    let question = question.replace(" (output is hidden):", ":");
    let question = if question.trim().is_empty() { "The playbook waits for input.".to_owned() } else { question };
    (question, if prompt.secret { PromptKind::Secret } else { PromptKind::Text })
}

fn is_banner(line: &str) -> bool {
    ["PLAY [", "TASK [", "RUNNING HANDLER ["].iter().any(|b| line.starts_with(b)) && line.ends_with('*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::job::Asked;
    use crate::model::Time;

    fn of(text: &str, secret: bool) -> (String, PromptKind) {
        read(&JobPrompt { number: 1, text: text.into(), secret, state: Asked::Open, at: Time(0) })
    }

    #[test]
    fn questions_of_ansible() {
        assert_eq!(of("Vault password:", true), ("Vault password:".into(), PromptKind::Secret));
        assert_eq!(of("Which release? [1.0]:", false), ("Which release? [1.0]:".into(), PromptKind::Text));
        let pause = "\u{1b}[0mTASK [look at it] ******\r\n[look at it]\r\nPress enter to continue, Ctrl+C to interrupt:";
        assert_eq!(of(pause, false), ("look at it".into(), PromptKind::Continue));
        let asks = "TASK [name it] *****\n[name it]\nYour name:";
        assert_eq!(of(asks, false), ("[name it]\nYour name:".into(), PromptKind::Text));
        assert_eq!(of("[x]\nThe word (output is hidden):", true), ("[x]\nThe word:".into(), PromptKind::Secret));
        assert_eq!(of("", false).0, "The playbook waits for input.");
    }
}
