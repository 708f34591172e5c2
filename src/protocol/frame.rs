//! Frames of a stream connection: one byte of kind, four of length (big endian), the payload.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use tokio_util::codec::{Decoder, Encoder};

/// Longest payload, bytes.
pub const MAX_PAYLOAD: usize = 256 * 1024;

/// One frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Frame {
    /// Bytes of the terminal, or of stdin (client) and stdout (engine).
    Data(Bytes),
    /// Bytes of stderr.
    Error(Bytes),
    /// The terminal's new size.
    Resize { cols: u16, rows: u16 },
    /// stdin has ended.
    Eof,
    /// The end: exit status, or why there is none.
    Exit(Exit),
    /// What one node of a fan-out said.
    Node(NodeAnswer),
}

/// How a command ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Exit {
    pub status: Option<i32>,
    pub failure: Option<crate::model::Failure>,
}

/// The whole answer of one node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NodeAnswer {
    pub node: String,
    pub exit: Exit,
    /// Lossy UTF-8, at most 16 KiB each.
    pub stdout: String,
    pub stderr: String,
    /// Milliseconds from start to end.
    pub took: u64,
}

/// Encodes and decodes [`Frame`]s.
#[derive(Debug, Default)]
pub struct FrameCodec;

impl Encoder<Frame> for FrameCodec {
    type Error = std::io::Error;

    fn encode(&mut self, frame: Frame, out: &mut BytesMut) -> Result<(), Self::Error> {
        let (kind, payload) = match frame {
            Frame::Data(bytes) => (0u8, bytes),
            Frame::Error(bytes) => (1, bytes),
            Frame::Resize { cols, rows } => {
                let mut b = BytesMut::with_capacity(4);
                b.put_u16(cols);
                b.put_u16(rows);
                (2, b.freeze())
            }
            Frame::Eof => (3, Bytes::new()),
            Frame::Exit(exit) => (4, serde_json::to_vec(&exit)?.into()),
            Frame::Node(answer) => (5, serde_json::to_vec(&answer)?.into()),
        };
        if payload.len() > MAX_PAYLOAD {
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "frame too long"));
        }
        out.put_u8(kind);
        out.put_u32(u32::try_from(payload.len()).unwrap_or(u32::MAX));
        out.extend_from_slice(&payload);
        Ok(())
    }
}

impl Decoder for FrameCodec {
    type Item = Frame;
    type Error = std::io::Error;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, Self::Error> {
        let bad = |why: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, why.to_owned());
        if src.len() < 5 {
            return Ok(None);
        }
        let len = u32::from_be_bytes([src[1], src[2], src[3], src[4]]) as usize;
        if len > MAX_PAYLOAD {
            return Err(bad("frame too long"));
        }
        if src.len() < 5 + len {
            return Ok(None);
        }
        let kind = src[0];
        src.advance(5);
        let mut payload = src.split_to(len).freeze();
        Ok(Some(match kind {
            0 => Frame::Data(payload),
            1 => Frame::Error(payload),
            2 if len == 4 => Frame::Resize { cols: payload.get_u16(), rows: payload.get_u16() },
            3 => Frame::Eof,
            4 => Frame::Exit(serde_json::from_slice(&payload)?),
            5 => Frame::Node(serde_json::from_slice(&payload)?),
            _ => return Err(bad("unknown frame")),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_as_they_went() {
        let frames = [
            Frame::Data(Bytes::from_static(b"ls\n")),
            Frame::Error(Bytes::new()),
            Frame::Resize { cols: 80, rows: 24 },
            Frame::Eof,
            Frame::Exit(Exit { status: Some(3), failure: None }),
        ];
        let mut buffer = BytesMut::new();
        for frame in &frames {
            FrameCodec.encode(frame.clone(), &mut buffer).unwrap();
        }
        for frame in &frames {
            assert_eq!(FrameCodec.decode(&mut buffer).unwrap().as_ref(), Some(frame));
        }
        assert_eq!(FrameCodec.decode(&mut buffer).unwrap(), None);
        assert!(FrameCodec.decode(&mut BytesMut::from(&[9, 255, 255, 255, 255][..])).is_err());
    }
}
