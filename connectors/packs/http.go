package packs

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/cachenet/cachenet/models"
)

const packsPath, blobsPath = "/v1/packs/", "/v1/blobs/"

// overHTTP is a pack that a server offers over HTTP.
type overHTTP struct {
	url, blobs string
	client     *http.Client
}

func isURL(pack string) bool {
	return strings.HasPrefix(pack, "http://") || strings.HasPrefix(pack, "https://")
}

// NewSource returns the pack at an address like http://HOST:PORT/v1/packs/NAME. It makes no request. A client that is nil stands for a new
// one; a client with a Timeout would cut long downloads.
func NewSource(address string, client *http.Client, o SourceOptions) (*Source, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("pack %s: %w", address, err)
	}
	at := strings.LastIndex(u.Path, packsPath)
	if !isURL(address) || u.Host == "" || at < 0 || strings.Contains(u.Path[at+len(packsPath):], "/") || len(u.Path) == at+len(packsPath) {
		return nil, fmt.Errorf("pack %s: must be an address like http://HOST:PORT%sNAME", u.Redacted(), packsPath)
	}
	blobs := *u
	blobs.Path, blobs.RawPath, blobs.RawQuery = u.Path[:at]+blobsPath, "", ""
	if client == nil {
		client = &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, ResponseHeaderTimeout: cmp.Or(o.Stall, DefaultStall)}}
	}
	return o.source(&overHTTP{url: u.String(), blobs: blobs.String(), client: client}), nil
}

func (h *overHTTP) name() string         { return h.url }
func (h *overHTTP) at(sha string) string { return h.blobs + sha }

func (h *overHTTP) manifest(ctx context.Context, known string) (text []byte, err error) {
	header := http.Header{}
	if known != "" {
		header.Set("If-None-Match", etag(known))
	}
	r, err := h.get(ctx, h.url, header)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	switch r.StatusCode {
	case http.StatusNotModified:
		return nil, nil
	case http.StatusOK:
	default:
		return nil, refused(h.url, r)
	}
	if text, err = io.ReadAll(io.LimitReader(r.Body, maxManifest)); err != nil {
		return nil, fmt.Errorf("read the manifest of %s: %w", h.url, err)
	}
	if tag := r.Header.Get("ETag"); tag != etag(models.Digest(text)) {
		return nil, fmt.Errorf("the manifest of %s does not have the sha256 of its ETag %s: it is not whole, or the address is not one of cachenet serve", h.url, tag)
	}
	return text, nil
}

func (h *overHTTP) open(ctx context.Context, sha string, have int64) (stream, error) {
	header := http.Header{}
	if have > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", have))
		header.Set("If-Range", etag(sha))
	}
	r, err := h.get(ctx, h.at(sha), header)
	if err != nil {
		return stream{}, err
	}
	s, err := h.accept(r, sha, have)
	switch {
	case err != nil:
		r.Body.Close()
	case s.from == have && s.size < have: // the partial file is longer than the one that is offered
		r.Body.Close()
		return h.open(ctx, sha, 0)
	}
	return s, err
}

// accept says what a response brings of a file of which so many bytes are here. A size below that: nothing, since the file is shorter.
func (h *overHTTP) accept(r *http.Response, sha string, have int64) (stream, error) {
	s := stream{body: r.Body, size: r.ContentLength}
	switch r.StatusCode {
	case http.StatusOK:
	case http.StatusPartialContent:
		var to int64
		if n, err := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-%d/%d", &s.from, &to, &s.size); n != 3 || err != nil || s.from != have {
			return s, final("the response to a request for bytes from %d says %q", have, r.Header.Get("Content-Range"))
		}
	case http.StatusRequestedRangeNotSatisfiable: // the process ended between the last byte and the check, or the partial file is too long
		s.from = have
		if n, err := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes */%d", &s.size); n != 1 || err != nil || s.size > have {
			return s, final("the response to a request for bytes from %d refuses it, and says %q", have, r.Header.Get("Content-Range"))
		}
	default:
		return s, refused(h.at(sha), r)
	}
	if s.size < 0 {
		return s, final("the response does not say how long the file is")
	}
	return s, nil
}

func (h *overHTTP) get(ctx context.Context, address string, header http.Header) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, finalError{err}
	}
	header.Set("Accept-Encoding", "identity") // ranges are those of the file
	r.Header = header
	return h.client.Do(r)
}

// refused is a response that brings nothing. A server that is overloaded or being restarted may recover.
func refused(address string, r *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(r.Body, 200)) // it only explains the status
	err := fmt.Errorf("%s: %s: %s", address, r.Status, strings.TrimSpace(string(text)))
	if r.StatusCode >= 500 || r.StatusCode == http.StatusTooManyRequests || r.StatusCode == http.StatusRequestTimeout {
		return err
	}
	return finalError{err}
}
