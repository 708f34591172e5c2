//! Lines on the wire, and messages that need more than one.

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use tokio_util::codec::{Decoder, Encoder};

use super::message::FromEngine;
use super::{MAX_LINE, MAX_MESSAGE};

/// The longest text of a part: escaping at most doubles it, and the rest of the line is short.
const MAX_PART: usize = (MAX_LINE - 64) / 2;

/// Why what came in cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    #[error("a line is longer than {MAX_LINE} bytes")]
    LineTooLong,
    #[error("a message is longer than {MAX_MESSAGE} bytes")]
    MessageTooLong,
    #[error("a line makes no sense: {0}")]
    Nonsense(#[from] serde_json::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// One message as a line, its line feed included.
///
/// # Errors
/// It is longer than [`MAX_LINE`].
pub fn one_line(message: &impl Serialize) -> Result<Bytes, LineError> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    if line.len() > MAX_LINE { Err(LineError::LineTooLong) } else { Ok(line.into()) }
}

/// A message as the lines that carry it, each with its line feed: one, or as many parts as it takes.
///
/// # Errors
/// It is longer than [`MAX_MESSAGE`].
pub fn lines(message: &impl Serialize) -> Result<Vec<Bytes>, LineError> {
    let mut text = serde_json::to_string(message)?;
    if text.len() < MAX_LINE {
        text.push('\n');
        return Ok(vec![text.into()]);
    }
    if text.len() > MAX_MESSAGE {
        return Err(LineError::MessageTooLong);
    }
    let mut parts = Vec::with_capacity(text.len() / MAX_PART + 1);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (part, more) = rest.split_at(rest.floor_char_boundary(MAX_PART));
        parts.push(one_line(&FromEngine::Part { last: more.is_empty(), text: part.to_owned() })?);
        rest = more;
    }
    Ok(parts)
}

/// Puts messages together again.
#[derive(Debug, Default)]
pub struct Joiner {
    parts: String,
}

impl Joiner {
    /// Takes in the next line (without its line feed); `None` while parts are missing.
    ///
    /// # Errors
    /// The line makes no sense, or its message is too long.
    pub fn push(&mut self, line: &[u8]) -> Result<Option<FromEngine>, LineError> {
        match serde_json::from_slice(line)? {
            FromEngine::Part { last, text } => {
                if self.parts.len() + text.len() > MAX_MESSAGE {
                    return Err(LineError::MessageTooLong);
                }
                self.parts.push_str(&text);
                if !last {
                    return Ok(None);
                }
                Ok(Some(serde_json::from_str(&std::mem::take(&mut self.parts))?))
            }
            whole => Ok(Some(whole)),
        }
    }
}

/// Splits bytes into lines, and puts prepared lines through.
#[derive(Debug, Default)]
pub struct LineCodec {
    /// Bytes that were searched for a line feed before.
    searched: usize,
}

impl Decoder for LineCodec {
    type Item = Bytes;
    type Error = LineError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Bytes>, LineError> {
        match src[self.searched..].iter().position(|b| *b == b'\n') {
            Some(end) if self.searched + end < MAX_LINE => {
                let line = src.split_to(self.searched + end + 1).freeze();
                self.searched = 0;
                Ok(Some(line.slice(..line.len() - 1)))
            }
            None if src.len() < MAX_LINE => {
                self.searched = src.len();
                Ok(None)
            }
            _ => Err(LineError::LineTooLong),
        }
    }

    /// A last line without its line feed is half a line: the other side went away while it wrote.
    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<Bytes>, LineError> {
        self.decode(src)
    }
}

impl Encoder<Bytes> for LineCodec {
    type Error = LineError;

    fn encode(&mut self, line: Bytes, out: &mut BytesMut) -> Result<(), LineError> {
        out.reserve(line.len());
        out.put(line);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::Answer;
    use crate::protocol::message::Reply;

    fn reply(text: String) -> FromEngine {
        FromEngine::Reply { req: 7, result: Reply::Ok(Box::new(Answer::Text(text))) }
    }

    fn carried(message: &FromEngine, cut: usize) -> Vec<FromEngine> {
        let bytes: Vec<u8> = lines(message).unwrap().concat();
        let (mut codec, mut joiner, mut buffer, mut got) = (LineCodec::default(), Joiner::default(), BytesMut::new(), Vec::new());
        for chunk in bytes.chunks(cut) {
            buffer.extend_from_slice(chunk);
            while let Some(line) = codec.decode(&mut buffer).unwrap() {
                assert!(line.len() < MAX_LINE);
                got.extend(joiner.push(&line).unwrap());
            }
        }
        assert!(buffer.is_empty());
        got
    }

    #[test]
    fn a_long_message_arrives_whole() {
        for text in ["\"\\\u{7}".repeat(600_000), "ä€".repeat(500_000), "x".repeat(MAX_LINE - 40)] {
            let message = reply(text);
            assert_eq!(carried(&message, 65_536), [message]);
        }
    }

    proptest! {
        #[test]
        fn any_text_arrives_however_it_is_cut(text in ".*", cut in 1usize..40) {
            let message = reply(text);
            prop_assert_eq!(carried(&message, cut), [message]);
        }
    }

    #[test]
    fn a_line_without_end_is_refused_and_half_a_line_is_none() {
        let mut codec = LineCodec::default();
        assert!(matches!(codec.decode(&mut BytesMut::from(&vec![b'a'; MAX_LINE][..])), Err(LineError::LineTooLong)));
        let mut long = vec![b'a'; MAX_LINE];
        long.push(b'\n');
        let mut codec = LineCodec::default();
        assert!(matches!(codec.decode(&mut BytesMut::from(&long[..])), Err(LineError::LineTooLong)));
        let mut codec = LineCodec::default();
        assert!(codec.decode_eof(&mut BytesMut::from(&b"{\"is\""[..])).unwrap().is_none());
        assert!(one_line(&reply("x".repeat(MAX_LINE))).is_err());
    }
}
