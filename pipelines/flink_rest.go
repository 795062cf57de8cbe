package pipelines

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// endWithin is how long Flink may take to cancel a job.
const endWithin = time.Minute

// end cancels a job through Flink's own REST service and returns when Flink has ended it. Beam's job service cannot:
// its Cancel forgets the job, which goes on in Flink.
func (f flink) end(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, endWithin)
	defer cancel()
	for asked := false; ; {
		id, live, err := f.find(ctx, name)
		if err != nil {
			return fmt.Errorf("flink: cancel job %s through %s: correct --flink-rest and cancel the job there: %w", name, f.rest, err)
		}
		if !live {
			return nil
		}
		if !asked {
			if err := f.call(ctx, http.MethodPatch, "/jobs/"+id+"?mode=cancel", nil); err != nil {
				return fmt.Errorf("flink: cancel job %s: cancel it yourself at %s: %w", name, f.rest, err)
			}
			asked = true
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("flink: cancel job %s: cancel it yourself at %s: it still runs after %v", name, f.rest, endWithin)
		case <-time.After(watchHere):
		}
	}
}

// find looks up a job of Beam's job service, whose name for it is Flink's with a suffix.
func (f flink) find(ctx context.Context, name string) (id string, live bool, err error) {
	var overview struct {
		Jobs []struct{ JID, Name, State string }
	}
	if err := f.call(ctx, http.MethodGet, "/jobs/overview", &overview); err != nil {
		return "", false, err
	}
	for _, job := range overview.Jobs {
		if strings.HasPrefix(name, job.Name+"_") {
			switch job.State {
			case "CANCELED", "FINISHED", "FAILED":
				return job.JID, false, nil
			}
			return job.JID, true, nil
		}
	}
	return "", false, errors.New("no such job")
}

// call makes one request and decodes the answer into result, unless that is nil.
func (f flink) call(ctx context.Context, method, path string, result any) error {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+f.rest+path, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 300)) // it only adds to the status
		return fmt.Errorf("%s: %s", answer.Status, text)
	}
	if result == nil {
		return nil
	}
	return json.NewDecoder(answer.Body).Decode(result)
}
