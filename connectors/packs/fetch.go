package packs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/cachenet/cachenet/connectors/retry"
)

// progress is how much a connection has to bring before it is cut for the cut not to count against the patience.
const progress = 64 << 10

// errDamaged says that a whole file has another sha256 than its name.
var errDamaged = errors.New("its sha256 differs from its name")

// Fetch brings the file with that sha256 into the cache, unless it is there, and returns when its content was checked and
// is durable. A cut download continues where it was, with growing pauses, for as long as the link may be dead; then, or
// when the server refuses, it fails, and what has arrived is kept for the next call. A damaged file is fetched again once.
// begin, where it is not nil, is called with the size as soon as the server responds, and may refuse.
func (c *Cache) Fetch(ctx context.Context, sha string, begin func(size int64) error) error {
	if _, whole := c.Size(sha); whole {
		return nil
	}
	if !isSHA256(sha) {
		return fmt.Errorf("fetch %q: not a sha256 in lower-case hex: the manifest is damaged", sha)
	}
	for again := false; ; again = true {
		err := c.fetch(ctx, sha, begin)
		if err == nil {
			c.count(func(n *Counts) { n.Fetched++ })
			return nil
		}
		if errors.Is(err, errDamaged) {
			c.count(func(n *Counts) { n.Damaged++ })
			if !again {
				slog.Warn("a damaged file of a pack is fetched again", "file", c.source.at(sha))
				continue
			}
			err = fmt.Errorf("%w, twice: check the pack on the server", err)
		}
		return fmt.Errorf("fetch %s: %w", c.source.at(sha), err)
	}
}

// fetch is Fetch without a second attempt at a damaged file, which it removes.
func (c *Cache) fetch(ctx context.Context, sha string, begin func(int64) error) error {
	d, err := c.open(sha, begin)
	if err != nil {
		return err
	}
	defer d.file.Close()
	for !d.whole() {
		outage := retry.Outage{For: c.source.patience, Passes: passes,
			Began: func(err error) {
				slog.Warn("a download of a pack was cut: it continues when the server responds", "blob", sha, "bytes", d.have, "error", err, "give_up_after", c.source.patience)
			},
			Ended: func(after time.Duration) {
				slog.Info("a download of a pack continues", "blob", sha, "bytes", d.have, "after", after)
			}}
		if err := retry.Do(ctx, outage, func() error { return d.advance(ctx) }); err != nil {
			return err
		}
	}
	if got := hex.EncodeToString(d.sum.Sum(nil)); got != sha {
		return errors.Join(errDamaged, os.Remove(d.file.Name()))
	}
	return c.place(d.file, sha)
}

// download is a file that is not whole yet. What it has is on disk and in the sum.
type download struct {
	cache *Cache
	sha   string
	file  *os.File
	sum   hash.Hash
	have  int64
	size  int64             // -1: not known yet
	begin func(int64) error // nil: called, or none
}

// open continues the partial file of a download that a cut or the end of a process left behind.
func (c *Cache) open(sha string, begin func(int64) error) (*download, error) {
	f, err := os.OpenFile(c.partial(sha), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	d := &download{cache: c, sha: sha, file: f, sum: sha256.New(), size: -1, begin: begin}
	if d.have, err = io.Copy(d.sum, f); err != nil {
		f.Close()
		return nil, err
	}
	return d, nil
}

func (d *download) whole() bool { return d.size >= 0 && d.have == d.size }

// advance takes what one connection brings. It returns nil when the file is whole, and when so much came that a cut is
// no sign of a dead link.
func (d *download) advance(ctx context.Context) error {
	before := d.have
	err := d.connect(ctx)
	if err != nil && d.have > before {
		d.cache.count(func(n *Counts) { n.Cuts++ })
	}
	if err != nil && passes(err) && ctx.Err() == nil && d.have-before >= progress {
		return nil
	}
	return err
}

func (d *download) connect(ctx context.Context) error {
	s := d.cache.source
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := time.AfterFunc(s.stall, func() { cancel(fmt.Errorf("nothing came for %v", s.stall)) })
	defer silent.Stop()
	from, err := s.open(ctx, d.sha, d.have)
	if err != nil {
		return reason(ctx, err)
	}
	defer from.body.Close()
	if err := d.accept(from); err != nil || d.whole() {
		return err
	}
	return reason(ctx, d.take(from.body, func() { silent.Reset(s.stall) }))
}

// reason is the error of a cancelled request, with why it was cancelled.
func reason(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", err, context.Cause(ctx))
	}
	return err
}

// accept brings the file to where the rest of it begins.
func (d *download) accept(rest stream) error {
	if rest.from != d.have {
		if err := d.restart(); err != nil {
			return err
		}
	}
	d.size = rest.size
	if d.begin != nil {
		begin := d.begin
		d.begin = nil
		if err := begin(d.size); err != nil {
			return finalError{err}
		}
	}
	return nil
}

func (d *download) restart() error {
	d.have = 0
	d.sum.Reset()
	if err := d.file.Truncate(0); err != nil {
		return finalError{err}
	}
	if _, err := d.file.Seek(0, io.SeekStart); err != nil {
		return finalError{err}
	}
	return nil
}

// take appends what comes.
func (d *download) take(body io.Reader, came func()) error {
	buffer := make([]byte, 64<<10)
	for {
		n, err := body.Read(buffer)
		if n > 0 {
			came()
			wrote, failed := d.file.Write(buffer[:n])
			d.sum.Write(buffer[:wrote])
			d.have += int64(wrote)
			d.cache.count(func(c *Counts) { c.Bytes += int64(n) })
			if failed != nil {
				return finalError{failed} // the disk is full, say: another connection does not help
			}
		}
		switch {
		case d.whole():
			return nil
		case errors.Is(err, io.EOF):
			return fmt.Errorf("the connection ended after %d of %d bytes: %w", d.have, d.size, io.ErrUnexpectedEOF)
		case err != nil:
			return err
		}
	}
}
