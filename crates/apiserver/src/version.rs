//! `/version`: which Kubernetes this is equal to.

use crate::{
    call::Answer,
    negotiate::{Allowed, Output},
    serve::handler::Admitted,
    status::ApiError,
};
use serde_json::json;

/// The version of Kubernetes whose API this server has.
const KUBERNETES: &str = "v1.37.2";

/// That, and whose server it is.
pub(crate) fn git_version() -> String {
    format!("{KUBERNETES}+tidegate.{}", env!("CARGO_PKG_VERSION"))
}

/// Answers `/version`.
pub(crate) fn answer(request: &Admitted) -> Result<Answer, ApiError> {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let document = json!({
        "major": "1",
        "minor": "37",
        "emulationMajor": "1",
        "emulationMinor": "37",
        "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "36",
        "gitVersion": git_version(),
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "",
        "goVersion": "",
        "compiler": "rustc",
        "platform": format!("{}/{arch}", std::env::consts::OS),
    });
    let mut output = Output::negotiate(&request.headers, None, Allowed::Documents)?;
    output.pretty = true;
    Answer::document(200, &document, output)
}
