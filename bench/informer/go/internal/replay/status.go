// The failures a client may see, as the Status objects an API server answers
// with.
package replay

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func failure(code int32, reason metav1.StatusReason, message string) *metav1.Status {
	return &metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure, Message: message, Reason: reason, Code: code,
	}
}

func badRequest(message string) *metav1.Status {
	return failure(http.StatusBadRequest, metav1.StatusReasonBadRequest, message)
}

func invalid(message string) *metav1.Status {
	return failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, "ListOptions.meta.k8s.io \"\" is invalid: "+message)
}

func notFound() *metav1.Status {
	return failure(http.StatusNotFound, metav1.StatusReasonNotFound, "the server could not find the requested resource")
}

func notAcceptable() metav1.Status {
	return *failure(http.StatusNotAcceptable, metav1.StatusReasonNotAcceptable, "only application/json and application/vnd.kubernetes.protobuf are served")
}

func expired(wanted, current uint64) *metav1.Status {
	return failure(http.StatusGone, metav1.StatusReasonExpired, fmt.Sprintf("too old resource version: %d (%d)", wanted, current))
}

func tooLarge(wanted, current uint64) *metav1.Status {
	out := failure(http.StatusGatewayTimeout, metav1.StatusReasonTimeout, fmt.Sprintf("Timeout: Too large resource version: %d, current: %d", wanted, current))
	out.Details = &metav1.StatusDetails{
		RetryAfterSeconds: 1,
		Causes:            []metav1.StatusCause{{Type: metav1.CauseTypeResourceVersionTooLarge, Message: "Too large resource version"}},
	}
	return out
}

// refuseSelectors makes it plain that this server cannot filter, rather than answering wrongly.
func refuseSelectors(query url.Values) *metav1.Status {
	if query.Get("labelSelector") != "" || query.Get("fieldSelector") != "" {
		return badRequest("the replay server knows no selectors")
	}
	return nil
}

func writeStatus(w http.ResponseWriter, status metav1.Status) {
	if status.Details != nil && status.Details.RetryAfterSeconds > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(status.Details.RetryAfterSeconds)))
	}
	writeJSON(w, int(status.Code), status)
}

func writeJSON(w http.ResponseWriter, code int, value any) {
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(value)
}
