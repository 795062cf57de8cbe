package packs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cachenet/cachenet/connectors/retry"
	"github.com/cachenet/cachenet/models"
)

// Defaults of a Source.
const (
	DefaultPatience = retry.Budget     // how long a link may be dead before a download fails
	DefaultStall    = 30 * time.Second // how long a connection may bring nothing before it counts as dead
)

// maxManifest is the longest manifest that is read, in bytes: 1,000 classes and as many nets fit.
const maxManifest = 16 << 20

const packsPath, blobsPath = "/v1/packs/", "/v1/blobs/"

// Source is a pack that a server offers.
type Source struct {
	url, blobs string
	client     *http.Client
	patience   time.Duration
	stall      time.Duration
}

// SourceOptions says how a Source is reached. The zero value is usable.
type SourceOptions struct {
	Client   *http.Client  // nil: a new one; a client with a Timeout would cut long downloads
	Patience time.Duration // 0: DefaultPatience
	Stall    time.Duration // 0: DefaultStall
}

// IsURL reports whether the name of a pack is the address of one that a server offers, not a folder.
func IsURL(pack string) bool {
	return strings.HasPrefix(pack, "http://") || strings.HasPrefix(pack, "https://")
}

// NewSource returns the pack at an address like http://HOST:PORT/v1/packs/NAME. It makes no request.
func NewSource(address string, o SourceOptions) (*Source, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("pack %s: %w", address, err)
	}
	at := strings.LastIndex(u.Path, packsPath)
	if !IsURL(address) || u.Host == "" || at < 0 || strings.Contains(u.Path[at+len(packsPath):], "/") || len(u.Path) == at+len(packsPath) {
		return nil, fmt.Errorf("pack %s: must be an address like http://HOST:PORT%sNAME", u.Redacted(), packsPath)
	}
	blobs := *u
	blobs.Path, blobs.RawPath, blobs.RawQuery = u.Path[:at]+blobsPath, "", ""
	s := &Source{url: u.String(), blobs: blobs.String(), client: o.Client, patience: cmp.Or(o.Patience, DefaultPatience), stall: cmp.Or(o.Stall, DefaultStall)}
	if s.client == nil {
		s.client = &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, ResponseHeaderTimeout: s.stall}}
	}
	return s, nil
}

// finalError is one that does not pass by itself, so that nothing is tried again.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

func final(format string, args ...any) error { return finalError{fmt.Errorf(format, args...)} }

func passes(err error) bool { return !errors.As(err, new(finalError)) }

// manifest asks once for the manifest; text is nil when it still is the one with the sha256 known.
func (s *Source) manifest(ctx context.Context, known string) (text []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.stall)
	defer cancel()
	header := http.Header{}
	if known != "" {
		header.Set("If-None-Match", etag(known))
	}
	r, err := s.get(ctx, s.url, header)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	switch r.StatusCode {
	case http.StatusNotModified:
		return nil, nil
	case http.StatusOK:
	default:
		return nil, refused(s.url, r)
	}
	if text, err = io.ReadAll(io.LimitReader(r.Body, maxManifest)); err != nil {
		return nil, fmt.Errorf("read the manifest of %s: %w", s.url, err)
	}
	if tag := r.Header.Get("ETag"); tag != etag(models.Digest(text)) {
		return nil, fmt.Errorf("the manifest of %s does not have the sha256 of its ETag %s: it is not whole, or the address is not one of cachenet serve", s.url, tag)
	}
	return text, nil
}

func (s *Source) get(ctx context.Context, address string, header http.Header) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, finalError{err}
	}
	header.Set("Accept-Encoding", "identity") // ranges are those of the file
	r.Header = header
	return s.client.Do(r)
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
