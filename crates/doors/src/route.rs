//! Which door a request knocks at: a pure function of its path.

/// What is asked of the door listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call<'p> {
    /// `/v1/verify`.
    Verify,
    /// `/v1/verify/batch`.
    VerifyBatch,
    /// `/v1/authorize` and `/v1/authorize/api/<slug>`.
    Authorize {
        /// The API that the gateway's configuration names, as it stands in the path.
        pin: Option<&'p str>,
    },
    /// `/v1/authorize/nginx` and `/v1/authorize/api/<slug>/nginx`.
    Nginx {
        /// The API that the gateway's configuration names, as it stands in the path.
        pin: Option<&'p str>,
    },
    /// `/v1/whoami`.
    Whoami,
    /// `/v1/openapi.json`.
    OpenApi,
    /// Nothing that is served.
    Unknown,
}

// === impl Call ===

impl<'p> Call<'p> {
    /// The call of a path without query. Paths compare exactly: a gateway's configuration is not a client's input.
    pub fn of_path(path: &'p str) -> Self {
        let Some(rest) = path.strip_prefix("/v1/") else { return Self::Unknown };
        if let Some(rest) = rest.strip_prefix("authorize") {
            return Self::of_authorize(rest).unwrap_or(Self::Unknown);
        }
        match rest {
            "verify" => Self::Verify,
            "verify/batch" => Self::VerifyBatch,
            "whoami" => Self::Whoami,
            "openapi.json" => Self::OpenApi,
            _ => Self::Unknown,
        }
    }

    /// Its path as a template.
    pub(crate) fn route(&self) -> &'static str {
        match self {
            Self::Verify => "/v1/verify",
            Self::VerifyBatch => "/v1/verify/batch",
            Self::Authorize { pin: None } => "/v1/authorize",
            Self::Authorize { pin: Some(_) } => "/v1/authorize/api/{api}",
            Self::Nginx { pin: None } => "/v1/authorize/nginx",
            Self::Nginx { pin: Some(_) } => "/v1/authorize/api/{api}/nginx",
            Self::Whoami => "/v1/whoami",
            Self::OpenApi => "/v1/openapi.json",
            Self::Unknown => "unknown",
        }
    }

    fn of_authorize(rest: &'p str) -> Option<Self> {
        match rest {
            "" => return Some(Self::Authorize { pin: None }),
            "/nginx" => return Some(Self::Nginx { pin: None }),
            _ => {}
        }
        let pinned = rest.strip_prefix("/api/")?;
        let (slug, form) = pinned.split_once('/').map_or((pinned, None), |(slug, form)| (slug, Some(form)));
        let pin = Some(slug).filter(|slug| !slug.is_empty());
        pin?;
        match form {
            None => Some(Self::Authorize { pin }),
            Some("nginx") => Some(Self::Nginx { pin }),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_door_has_its_path_and_its_pinned_form() {
        for (path, call) in [
            ("/v1/verify", Call::Verify),
            ("/v1/verify/batch", Call::VerifyBatch),
            ("/v1/authorize", Call::Authorize { pin: None }),
            ("/v1/authorize/nginx", Call::Nginx { pin: None }),
            ("/v1/authorize/api/github", Call::Authorize { pin: Some("github") }),
            ("/v1/authorize/api/github/nginx", Call::Nginx { pin: Some("github") }),
            ("/v1/authorize/api/nginx", Call::Authorize { pin: Some("nginx") }),
            ("/v1/whoami", Call::Whoami),
            ("/v1/openapi.json", Call::OpenApi),
        ] {
            assert_eq!(Call::of_path(path), call, "{path}");
        }
    }

    #[test]
    fn anything_else_is_no_door() {
        for path in [
            "",
            "/",
            "*",
            "/v1",
            "/v1/",
            "/v2/verify",
            "/v1/verify/",
            "/v1//verify",
            "/V1/verify",
            "/v1/authorizer",
            "/v1/authorize/",
            "/v1/authorize/api",
            "/v1/authorize/api/",
            "/v1/authorize/api//nginx",
            "/v1/authorize/api/github/",
            "/v1/authorize/api/github/nginx/",
            "/v1/authorize/api/github/envoy",
            "/v1/authorize/api/a/b/nginx",
            "/v1/authorize/Nginx",
        ] {
            assert_eq!(Call::of_path(path), Call::Unknown, "{path}");
        }
    }
}
