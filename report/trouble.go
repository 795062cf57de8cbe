package report

import (
	"context"
	"fmt"

	"github.com/cachenet/cachenet/connectors/parquetio"
	"github.com/cachenet/cachenet/schemas"
)

// LastTrouble returns the offset of the stream's last frame that was an error or known to be answered wrong; where there is
// none, of its last miss; else of its last frame.
func LastTrouble(ctx context.Context, dir, stream string) (offset int64, err error) {
	worst, found := -1, false
	for row, err := range parquetio.Rows(ctx, dir) {
		if err != nil {
			return 0, err
		}
		if row.Stream != stream {
			continue
		}
		if t := trouble(&row); t > worst || t == worst && row.Offset > offset {
			worst, offset = t, row.Offset
		}
		found = true
	}
	if !found {
		return 0, fmt.Errorf("explain %s: no rows of stream %q: cachenet report --html lists the streams", dir, stream)
	}
	return offset, nil
}

// trouble ranks what became of a frame.
func trouble(o *schemas.Outcome) int {
	reference := o.Truth
	if reference == "" {
		reference = o.AuditLabel
	}
	switch {
	case o.Outcome == schemas.Error, reference != "" && reference != o.Label:
		return 2
	case o.Outcome == schemas.Miss:
		return 1
	}
	return 0
}
