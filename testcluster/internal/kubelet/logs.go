// The part of the kubelet API that serves logs: GET /containerLogs/NAMESPACE/POD/CONTAINER.
package kubelet

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const followInterval = 50 * time.Millisecond

func (k *kubelet) containerLogs(writer http.ResponseWriter, request *http.Request) {
	pod := k.find(request.PathValue("namespace"), request.PathValue("pod"))
	if pod == nil {
		http.Error(writer, "no such pod runs here", http.StatusNotFound)
		return
	}
	output := pod.output(request.PathValue("container"))
	if output == nil {
		http.Error(writer, "the container has not started yet", http.StatusBadRequest)
		return
	}
	wanted, err := parseLogRequest(request.URL.Query())
	if err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	writer.Header().Set("Content-Type", "text/plain")
	follow := request.URL.Query().Get("follow") == "true"
	for offset := int64(0); ; {
		live := output.running()
		err := output.settle()
		if err == nil {
			offset, err = output.write(writer, offset, wanted)
		}
		if err != nil {
			panic(http.ErrAbortHandler) // half a log must not look whole
		}
		if !follow || !live {
			return
		}
		if flusher, can := writer.(http.Flusher); can {
			flusher.Flush()
		}
		select {
		case <-request.Context().Done():
			return
		case <-time.After(followInterval):
		}
	}
}

func parseLogRequest(query url.Values) (*logRequest, error) {
	wanted := &logRequest{tail: -1, limit: -1, timestamps: query.Get("timestamps") == "true"}
	if text := query.Get("sinceTime"); text != "" {
		since, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return nil, fmt.Errorf("sinceTime: %w", err)
		}
		wanted.since = since
	}
	if text := query.Get("sinceSeconds"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("sinceSeconds: %w", err)
		}
		wanted.since = time.Now().Add(-time.Duration(seconds) * time.Second)
	}
	if text := query.Get("tailLines"); text != "" {
		lines, err := strconv.Atoi(text)
		if err != nil || lines < 0 {
			return nil, fmt.Errorf("tailLines: %q is no number of lines", text)
		}
		wanted.tail = lines
	}
	if text := query.Get("limitBytes"); text != "" {
		limit, err := strconv.ParseInt(text, 10, 64)
		if err != nil || limit < 1 {
			return nil, fmt.Errorf("limitBytes: %q is no number of bytes", text)
		}
		wanted.limit = limit
	}
	return wanted, nil
}
