package schemas

import (
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
)

func init() {
	beam.RegisterCoder(reflect.TypeFor[Run](),
		func(r Run) ([]byte, error) { return r.MarshalMsg(nil) },
		func(b []byte) (Run, error) { var r Run; _, err := r.UnmarshalMsg(b); return r, err })
	beam.RegisterCoder(reflect.TypeFor[MissedRun](),
		func(m MissedRun) ([]byte, error) { return m.MarshalMsg(nil) },
		func(b []byte) (MissedRun, error) { var m MissedRun; _, err := m.UnmarshalMsg(b); return m, err })
	beam.RegisterCoder(reflect.TypeFor[Outcomes](),
		func(o Outcomes) ([]byte, error) { return o.MarshalMsg(nil) },
		func(b []byte) (Outcomes, error) { var o Outcomes; _, err := o.UnmarshalMsg(b); return o, err })
}
