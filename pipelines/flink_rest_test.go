package pipelines

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A job is cancelled by its name in Beam's job service, and end returns when Flink reports that it has ended.
func TestAJobIsEndedThroughFlink(t *testing.T) {
	asked, looks := "", 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch {
			asked = r.URL.String()
			return
		}
		state := "RUNNING"
		if looks++; asked != "" && looks > 3 {
			state = "CANCELED"
		}
		fmt.Fprintf(w, `{"jobs":[{"jid":"a1","name":"other","state":"RUNNING"},{"jid":"b2","name":"g-root","state":%q}]}`, state)
	}))
	defer server.Close()
	f := flink{rest: strings.TrimPrefix(server.URL, "http://")}
	if err := f.end(t.Context(), "g-root_uuid"); err != nil {
		t.Fatal(err)
	}
	if asked != "/jobs/b2?mode=cancel" || looks != 4 {
		t.Errorf("stopped %q, polled %d times", asked, looks)
	}
	if err := f.end(t.Context(), "nobody_uuid"); err == nil || !strings.Contains(err.Error(), "no such job") {
		t.Errorf("an unknown job: %v", err)
	}
	server.Close()
	if err := f.end(t.Context(), "g-root_uuid"); err == nil || !strings.Contains(err.Error(), "--flink-rest") {
		t.Errorf("an unreachable Flink: %v", err)
	}
}
