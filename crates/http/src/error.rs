//! What is wrong with a message, and what to answer. All of these errors close the connection: after a message that
//! isn't understood nobody knows where the next one starts.

/// Why a head was refused. Of a request: answer [`status`](Self::status), then close. Of a response: drop the
/// upstream's connection and answer 502.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum HeadError {
    #[error("the request line isn't one")]
    RequestLine,
    #[error("the method isn't a token")]
    Method,
    #[error("the method is too long")]
    MethodTooLong,
    #[error("the method is not served here")]
    MethodRefused,
    #[error("the target isn't a valid one for its method")]
    Target,
    #[error("the target is too long")]
    TargetTooLong,
    #[error("the path can't be normalised safely")]
    Path,
    #[error("the version isn't one")]
    Version,
    #[error("the version isn't served")]
    VersionUnsupported,
    #[error("the status line isn't one")]
    StatusLine,
    #[error("the status is outside of 100 to 599")]
    Status,
    #[error("a line doesn't end with CR LF")]
    LineEnd,
    #[error("a field's name isn't a token followed by a colon")]
    FieldName,
    #[error("a field continues on the next line")]
    FieldFolded,
    #[error("a field's value has control characters")]
    FieldValue,
    #[error("the head is too large")]
    HeadTooLarge,
    #[error("there are too many fields")]
    TooManyFields,
    #[error("there is no host")]
    HostMissing,
    #[error("there is more than one host")]
    HostRepeated,
    #[error("the host isn't a valid one")]
    Host,
    #[error("the host differs from the target's")]
    HostDiffers,
    #[error("the length isn't a number, or too large")]
    Length,
    #[error("there is more than one length")]
    LengthRepeated,
    #[error("there are a length and a transfer encoding")]
    LengthAndEncoding,
    #[error("the transfer encoding isn't one `chunked`")]
    Encoding,
    #[error("the transfer encoding isn't known")]
    EncodingUnsupported,
    #[error("the version knows no transfer encodings")]
    EncodingInOldVersion,
    #[error("there must not be a body")]
    BodyForbidden,
    #[error("the connection options aren't tokens")]
    Connection,
    #[error("the connection options name a field that is for the receiver")]
    ConnectionNames,
    #[error("the expectation isn't known")]
    Expectation,
    #[error("the pseudo-header fields are not as they must be")]
    Pseudo,
    #[error("there are fields that HTTP/2 forbids")]
    ConnectionSpecific,
}

/// Why a body was refused. Of a request: answer 400 if nothing was answered, then close. Of a response: 502 if nothing
/// was answered, else break off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BodyError {
    #[error("a chunk's size isn't a number, or too large")]
    ChunkSize,
    #[error("a chunk's extensions are malformed or too long")]
    ChunkExtension,
    #[error("a chunk's line doesn't end with CR LF")]
    ChunkLineEnd,
    #[error("a chunk's data isn't followed by CR LF")]
    ChunkEnd,
    #[error("the trailer is malformed")]
    Trailer,
    #[error("the trailer is too large")]
    TrailerTooLarge,
    #[error("the body ended too early")]
    Truncated,
    #[error("the body is longer than its length")]
    TooLong,
}

impl HeadError {
    /// What to answer to a request. No `_` arm: a new error does not compile until it is classified.
    pub fn status(self) -> u16 {
        self.classify().0
    }

    /// A word from a closed list: a label of metrics and logs.
    pub fn reason(self) -> &'static str {
        self.classify().1
    }

    fn classify(self) -> (u16, &'static str) {
        match self {
            Self::RequestLine => (400, "request-line"),
            Self::Method => (400, "method"),
            Self::MethodTooLong => (501, "method-too-long"),
            Self::MethodRefused => (405, "method-refused"),
            Self::Target => (400, "target"),
            Self::TargetTooLong => (414, "target-too-long"),
            Self::Path => (400, "path"),
            Self::Version => (400, "version"),
            Self::VersionUnsupported => (505, "version-unsupported"),
            Self::StatusLine => (502, "status-line"),
            Self::Status => (502, "status"),
            Self::LineEnd => (400, "line-end"),
            Self::FieldName => (400, "field-name"),
            Self::FieldFolded => (400, "field-folded"),
            Self::FieldValue => (400, "field-value"),
            Self::HeadTooLarge => (431, "head-too-large"),
            Self::TooManyFields => (431, "too-many-fields"),
            Self::HostMissing => (400, "host-missing"),
            Self::HostRepeated => (400, "host-repeated"),
            Self::Host => (400, "host"),
            Self::HostDiffers => (400, "host-differs"),
            Self::Length => (400, "length"),
            Self::LengthRepeated => (400, "length-repeated"),
            Self::LengthAndEncoding => (400, "length-and-encoding"),
            Self::Encoding => (400, "encoding"),
            Self::EncodingUnsupported => (501, "encoding-unsupported"),
            Self::EncodingInOldVersion => (400, "encoding-in-old-version"),
            Self::BodyForbidden => (400, "body-forbidden"),
            Self::Connection => (400, "connection"),
            Self::ConnectionNames => (400, "connection-names"),
            Self::Expectation => (417, "expectation"),
            Self::Pseudo => (400, "pseudo"),
            Self::ConnectionSpecific => (400, "connection-specific"),
        }
    }
}

impl BodyError {
    /// A word from a closed list: a label of metrics and logs.
    pub fn reason(self) -> &'static str {
        match self {
            Self::ChunkSize => "chunk-size",
            Self::ChunkExtension => "chunk-extension",
            Self::ChunkLineEnd => "chunk-line-end",
            Self::ChunkEnd => "chunk-end",
            Self::Trailer => "trailer",
            Self::TrailerTooLarge => "trailer-too-large",
            Self::Truncated => "truncated",
            Self::TooLong => "too-long",
        }
    }
}
