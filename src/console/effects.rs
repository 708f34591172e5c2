//! Effects: what the model wants done outside of itself. What comes of them is told as a message.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use tokio::signal::unix::Signal;

use crate::client;
use crate::config;
use crate::model::text::clean;
use crate::model::{Class, Failure};
use crate::protocol::StreamRequest;
use crate::protocol::frame::Frame;

use super::app::App;
use super::msg::{Effect, Msg};
use super::terminal::guard;
use super::update::update;

/// Largest spec that is read, bytes.
const MAX_FILE: u64 = 1 << 20;

/// Does one effect.
pub async fn carry_out(app: &mut App, effect: Effect, resized: &mut Signal) {
    match effect {
        Effect::Request { slot, generation, command } => {
            let (client, results) = (app.client.clone(), app.results.clone());
            tokio::spawn(async move {
                let result = client.request(*command).await.map(Box::new).map_err(Box::new);
                let _ = results.send(Msg::Reply { slot, generation, result });
            });
        }
        Effect::Reconnect => app.client.reconnect(),
        Effect::ReadFile(path) => {
            let results = app.results.clone();
            tokio::task::spawn_blocking(move || {
                let result = read(&path);
                let _ = results.send(Msg::File { path, result });
            });
        }
        Effect::Edit(text) => {
            let result = edit(app, text).await;
            update(&mut app.model, Msg::Edited(result));
        }
        Effect::Shell { request, title } => {
            let result = shell(app, request, &title, resized).await;
            update(&mut app.model, Msg::ShellEnded(result));
        }
        Effect::Take { title, source, goal } => super::take::take(app, title, source, goal).await,
        Effect::Page(path) => {
            if let Err(failure) = super::take::page(app, &path).await {
                update(&mut app.model, Msg::Taken(Err(failure)));
            }
        }
        Effect::Typed { kind, line } => app.keeper.keep(move |paths| config::history::append(paths, &kind, &line)),
        Effect::Keep { part, key, text } => {
            app.keeper.keep(move |paths| config::SettingsFile::of(paths).set_console(part, &key, text.as_deref()));
        }
        Effect::Beside(what) => app.beside(&what),
        Effect::Setup(wish) => super::wizard::carry_out(app, wish),
        Effect::Redraw => app.redraw(),
        Effect::Suspend => app.suspend().await,
        Effect::Quit => app.quit(),
    }
}

/// A path as typed, with `~` for the home directory.
pub fn expand(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(path),
    }
}

fn read(path: &str) -> Result<String, Failure> {
    let failed = |got: String| Failure::refused("read the spec", got).at(path);
    let file = expand(path);
    let size = std::fs::metadata(&file).map_err(|e| failed(e.to_string()))?.len();
    if size > MAX_FILE {
        return Err(failed(format!("it is larger than {} KiB", MAX_FILE / 1024)));
    }
    std::fs::read_to_string(&file).map_err(|e| failed(e.to_string()))
}

/// Gives the terminal to the user's editor.
async fn edit(app: &mut App, text: String) -> Result<Option<String>, Failure> {
    let failed = |e: std::io::Error| Failure::broken("edit the spec", e);
    let path = std::env::temp_dir().join(format!("quarterdeck-{}.yml", uuid::Uuid::new_v4()));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    drop(file);
    let editor = ["VISUAL", "EDITOR"].iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.trim().is_empty()));
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    let status = lend_terminal(app, &editor, &path).await;
    let after = std::fs::read_to_string(&path);
    let _ = std::fs::remove_file(&path);
    match status {
        Ok(status) if status.success() => after.map(|after| (after != text).then_some(after)).map_err(failed),
        Ok(status) => Err(Failure::broken("edit the spec", format!("{editor} ended with {status}"))),
        Err(e) => Err(Failure::broken("edit the spec", e).at(editor).next("set EDITOR to an editor that is installed")),
    }
}

/// Gives the terminal to a program, with the options that stand behind its name, for one file.
pub async fn lend_terminal(app: &mut App, program: &str, file: &Path) -> std::io::Result<std::process::ExitStatus> {
    app.last_answer().await;
    app.reader.pause();
    app.guard.leave();
    let mut words = program.split_whitespace();
    let status = tokio::process::Command::new(words.next().unwrap_or(program)).args(words).arg(file).status().await;
    app.reader.resume();
    app.come_back();
    status
}

/// A shell on a node, in the place of the console; returns what is said afterwards.
async fn shell(app: &mut App, request: StreamRequest, title: &str, resized: &mut Signal) -> Result<String, Failure> {
    app.last_answer().await;
    app.guard.leave();
    println!("Shell on {}. It ends with `exit` or ctrl-d; then you are back in the console.\n", clean(title));
    let result = match app.guard.raw() {
        Ok(()) => pass_through(app, request, resized).await,
        Err(failure) => Err(failure),
    };
    app.guard.leave();
    app.come_back();
    result.map(|status| match status {
        Some(0) | None => format!("the shell on {title} ended"),
        Some(n) => format!("the shell on {title} ended with {n}"),
    })
}

/// Bytes both ways, until the shell ends.
async fn pass_through(app: &mut App, request: StreamRequest, resized: &mut Signal) -> Result<Option<i32>, Failure> {
    let mut stream = client::stream(&app.options, request).await?;
    let lost = |e: &dyn std::fmt::Display| Failure::new(Class::Transient, "keep the shell", e.to_string());
    loop {
        tokio::select! {
            bytes = app.input.recv() => match bytes {
                Some(bytes) if !bytes.is_empty() => {
                    stream.send(Frame::Data(Bytes::from(bytes))).await.map_err(|e| lost(&e))?;
                }
                _ => {
                    app.quit();
                    return Ok(None);
                }
            },
            frame = stream.next() => match frame {
                Some(Ok(Frame::Data(bytes) | Frame::Error(bytes))) => {
                    guard::write_all(&bytes).map_err(|e| lost(&e))?;
                }
                Some(Ok(Frame::Exit(exit))) => return match exit.failure {
                    Some(failure) => Err(failure),
                    None => Ok(exit.status),
                },
                Some(Ok(_)) => {}
                Some(Err(e)) => return Err(lost(&e)),
                None => return Err(lost(&"the engine closed it")),
            },
            Some(()) = resized.recv() => {
                let size = guard::size();
                stream.send(Frame::Resize { cols: size.width, rows: size.height }).await.map_err(|e| lost(&e))?;
            }
        }
    }
}
