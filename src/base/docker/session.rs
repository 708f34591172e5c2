//! The session of a build: the line over which BuildKit calls back for what only we have. So far that is secrets.
//!
//! `POST /session` with `Upgrade: h2c`; on the upgraded connection the Docker engine is a gRPC client and this side the
//! server (as `moby/buildkit` does in `session/grpc.go`). The methods that are served are named in the headers.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll};

use bollard_buildkit_proto::health::health_check_response::ServingStatus;
use bollard_buildkit_proto::health::health_server::{Health, HealthServer};
use bollard_buildkit_proto::health::{HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse};
use bollard_buildkit_proto::moby::buildkit::secrets::v1::secrets_server::{Secrets, SecretsServer};
use bollard_buildkit_proto::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use futures::StreamExt;
use futures::stream::{BoxStream, iter, pending};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinHandle;
use tonic::transport::server::Connected;
use tonic::{Request, Response, Status};

use super::Docker;
use crate::base::Cx;
use crate::base::http::{Method, Wire};
use crate::model::Failure;

/// What is served; the header says it to the engine.
const METHOD: &str = "/moby.buildkit.secrets.v1.Secrets/GetSecret";

/// A session that is open; it ends when this is dropped.
pub struct Session {
    /// What the build names it by.
    pub id: String,
    serving: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Docker {
    /// Opens a session that hands out these secrets, by id.
    ///
    /// # Errors
    /// The engine does not answer, or knows no sessions.
    pub async fn session(&self, cx: &Cx, secrets: BTreeMap<String, SecretString>) -> Result<Session, Failure> {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let request = self.request(cx, Method::POST, "session", &[], "open a session for a build").await?;
        let request = request
            .header("connection", "Upgrade")
            .header("upgrade", "h2c")
            .header("x-docker-expose-session-uuid", &id)
            .header("x-docker-expose-session-name", "quarterdeck")
            .header("x-docker-expose-session-grpc-method", METHOD);
        let wire = self.http.upgrade(cx, &request).await.map_err(|f| self.placed(f))?;
        let serving = tokio::spawn(async move {
            let server = tonic::transport::Server::builder()
                .add_service(HealthServer::new(Well))
                .add_service(SecretsServer::new(Keeper(secrets)));
            let wires = iter([Ok::<_, std::io::Error>(Line(wire))]).chain(pending());
            if let Err(error) = server.serve_with_incoming(wires).await {
                tracing::debug!(%error, "the session of a build ended");
            }
        });
        Ok(Session { id, serving })
    }
}

/// Says that all is well; the engine asks now and then.
struct Well;

#[tonic::async_trait]
impl Health for Well {
    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        Ok(Response::new(HealthCheckResponse { status: ServingStatus::Serving.into() }))
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        Err(Status::unimplemented("not served"))
    }

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("not served"))
    }
}

/// Hands out secrets.
struct Keeper(BTreeMap<String, SecretString>);

#[tonic::async_trait]
impl Secrets for Keeper {
    async fn get_secret(&self, request: Request<GetSecretRequest>) -> Result<Response<GetSecretResponse>, Status> {
        let id = &request.get_ref().id;
        match self.0.get(id) {
            Some(secret) => Ok(Response::new(GetSecretResponse { data: secret.expose_secret().as_bytes().to_vec() })),
            None => Err(Status::not_found(format!("no secret {id} was given: --secret id={id},src=FILE"))),
        }
    }
}

/// The upgraded connection, as the gRPC server takes it.
struct Line(Wire);

impl Connected for Line {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
