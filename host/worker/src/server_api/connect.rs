//! What a worker that connects asks of its server over HTTP: where to dial, and to store a reply.

use prost::Message;
use protocol::connect::frames::{SdkResponse, StartRequest, StartResponse};
use reqwest::header::CONTENT_TYPE;

use super::{ApiError, ServerApi, innermost, join, shortened};

impl ServerApi {
    /// Asks for a gateway, outside of these groups if there is a choice.
    ///
    /// The answer is good for one connection attempt: its token lives five minutes.
    pub async fn connect_start(&self, exclude: &[String]) -> Result<StartResponse, ApiError> {
        let request = StartRequest { exclude_gateways: exclude.to_vec() };
        self.connect_post("v0/connect/start", &request).await
    }

    /// Hands over a reply that no socket could take. Handing it over twice does no harm.
    pub async fn connect_flush(&self, response: &SdkResponse) -> Result<(), ApiError> {
        // What the answer says is known: the request's id.
        let bytes = self.connect_bytes("v0/connect/flush", response.encode_to_vec()).await?;
        drop(bytes);
        Ok(())
    }

    async fn connect_post<M: Message + Default>(
        &self,
        path: &str,
        request: &impl Message,
    ) -> Result<M, ApiError> {
        let bytes = self.connect_bytes(path, request.encode_to_vec()).await?;
        M::decode(bytes).map_err(|error| ApiError::Answer(error.to_string()))
    }

    async fn connect_bytes(&self, path: &str, body: Vec<u8>) -> Result<bytes::Bytes, ApiError> {
        let url = join(&self.api_origin, path);
        let body = bytes::Bytes::from(body);
        let response = self
            .authorized(|client| {
                let request = client.post(url.clone());
                request.header(CONTENT_TYPE, "application/protobuf").body(body.clone())
            })
            .await?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(|error| ApiError::Answer(innermost(error)))?;
        if status.is_success() {
            return Ok(bytes);
        }
        let message = shortened(&String::from_utf8_lossy(&bytes));
        Err(ApiError::Refused { status: status.as_u16(), message })
    }
}
