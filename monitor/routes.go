package monitor

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/cachenet/cachenet/report/page"
)

// refresh is how often a page that looks gets new figures.
const refresh = 2 * time.Second

// routes are what the monitor answers. Health is that of the Open Inference Protocol, with short names in addition.
func (m *Monitor) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", m.page)
	mux.HandleFunc("GET /events", m.events)
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.metrics.registry, promhttp.HandlerOpts{}))
	for _, path := range []string{"/v2/health/live", "/ping"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { answer(w, true) })
	}
	for _, path := range []string{"/v2/health/ready", "/ready"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { answer(w, m.ready()) })
	}
	return mux
}

// ready reports whether frames flow: a job was begun and is not draining.
func (m *Monitor) ready() bool {
	job := m.current()
	return job != nil && !job.Draining()
}

func answer(w http.ResponseWriter, well bool) {
	if !well {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

// heading is that of a page with the frames of a stream, where frames are shown.
func (m *Monitor) heading(stream string) page.Heading {
	h := page.Heading{Source: "topic " + m.topic, Live: true, Stages: m.metrics.stagesUs(), Now: time.Now()}
	if m.gallery != nil {
		h.Frames = m.gallery.show(stream)
	}
	return h
}

func (m *Monitor) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	_ = m.rows.WriteHTML(w, m.heading(r.URL.Query().Get("stream"))) // an error: the client has gone
}

// events sends the page's content now and then, until the client has gone or the run has ended.
func (m *Monitor) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	stream := r.URL.Query().Get("stream")
	leave, refused := m.look(stream)
	defer leave()
	for {
		h := m.heading(stream)
		if refused != nil {
			h.Frames.Refused = refused.Error()
		}
		if m.rows.WriteEvent(w, h) != nil || out.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-m.done:
			_, _ = w.Write([]byte("event: end\ndata: 1\n\n"))
			_ = out.Flush()
			return
		case <-tick.C:
		}
	}
}

// look keeps the frames of a stream until leave is called, where frames are shown and a stream is chosen.
func (m *Monitor) look(stream string) (leave func(), refused error) {
	if m.gallery != nil && stream != "" {
		if leave, refused = m.gallery.open(stream); refused == nil {
			return leave, nil
		}
	}
	return func() {}, refused
}
