using Apache.Arrow.C;
using VectorEngine.Arrow;
using Theirs = Apache.Arrow;

namespace VectorEngine.ApacheArrow;

/// <summary>
/// Schemas, record batches and tables of Apache.Arrow as those of VectorEngine, and the other way round, through the C Data Interface:
/// values are not copied (see <see cref="ArrowCData"/> for the exceptions), and what one side lends stays in memory until the other gives
/// it back.
/// </summary>
public static unsafe class ApacheArrowConversion
{
    /// <summary>A schema of VectorEngine with the same columns.</summary>
    /// <param name="schema">The schema.</param>
    /// <exception cref="NotSupportedException">VectorEngine does not support a column's type.</exception>
    public static ArrowSchema ToVectorEngine(this Theirs.Schema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        // SAFETY: the structure stays on the stack until it has been imported, which takes over what it holds.
        CArrowSchema exported = default;
        CArrowSchemaExporter.ExportSchema(schema, &exported);
        return ArrowCData.ImportSchema((nint)(&exported));
    }

    /// <summary>A schema of Apache.Arrow with the same columns.</summary>
    /// <param name="schema">The schema.</param>
    /// <exception cref="ArgumentException">A name has a character 0.</exception>
    /// <exception cref="NotSupportedException">A column is of an <see cref="ArrowTypeKind.Unsupported"/> type.</exception>
    public static Theirs.Schema ToApacheArrow(this ArrowSchema schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        // SAFETY: the structure stays on the stack until it has been imported, which takes over what it holds.
        CArrowSchema exported = default;
        ArrowCData.ExportSchema(schema, (nint)(&exported));
        return CArrowSchemaImporter.ImportSchema(&exported);
    }

    /// <summary>A table of VectorEngine that views the batch, which stays valid.</summary>
    /// <param name="batch">The batch; it may be disposed before the result.</param>
    /// <returns>The table, to be disposed after its last use.</returns>
    /// <exception cref="CorruptDataException">The batch's arrays are not valid.</exception>
    /// <exception cref="NotSupportedException">VectorEngine does not support a column's type.</exception>
    public static Imported<RecordBatch> ToVectorEngine(this Theirs.RecordBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        // SAFETY: the structures stay on the stack until they have been imported, which takes over what they hold.
        CArrowSchema schema = default;
        CArrowArray array = default;
        CArrowSchemaExporter.ExportSchema(batch.Schema, &schema);
        CArrowArrayExporter.ExportRecordBatch(batch, &array);
        return ArrowCData.ImportBatch((nint)(&array), (nint)(&schema));
    }

    /// <summary>A batch of Apache.Arrow that views the table.</summary>
    /// <param name="batch">The table.</param>
    /// <returns>The batch, to be disposed after its last use.</returns>
    /// <exception cref="ArgumentException">A name has a character 0.</exception>
    public static Theirs.RecordBatch ToApacheArrow(this RecordBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        // SAFETY: the structures stay on the stack until they have been imported, which takes over what they hold.
        CArrowSchema schema = default;
        CArrowArray array = default;
        ArrowCData.Export(batch, (nint)(&array), (nint)(&schema));
        return CArrowArrayImporter.ImportRecordBatch(&array, CArrowSchemaImporter.ImportSchema(&schema));
    }

    /// <summary>
    /// The rows of a table, in order, as tables of VectorEngine that view it: one for each stretch of rows in which no column begins a
    /// chunk.
    /// </summary>
    /// <param name="table">The table; it has to outlive the enumeration.</param>
    /// <returns>The tables, each to be disposed after its last use.</returns>
    /// <exception cref="CorruptDataException">The table's arrays are not valid.</exception>
    /// <exception cref="NotSupportedException">VectorEngine does not support a column's type.</exception>
    public static IEnumerable<Imported<RecordBatch>> ToVectorEngine(this Theirs.Table table)
    {
        ArgumentNullException.ThrowIfNull(table);
        return Iterate(table);

        static IEnumerable<Imported<RecordBatch>> Iterate(Theirs.Table table)
        {
            ChunkCursor[] columns = [.. Enumerable.Range(0, table.ColumnCount).Select(i => new ChunkCursor(table.Column(i).Data))];
            for (long row = 0; row < table.RowCount;)
            {
                int count = columns.Min(column => column.Left);
                using var batch = new Theirs.RecordBatch(table.Schema, columns.Select(column => column.Take(count)), count);
                yield return batch.ToVectorEngine();
                row += count;
            }
        }
    }

    /// <summary>A table of Apache.Arrow that views tables of VectorEngine, one chunk for each.</summary>
    /// <param name="batches">The tables.</param>
    /// <param name="schema">Their schema.</param>
    /// <exception cref="ArgumentException">A name has a character 0, or a table has another schema.</exception>
    public static Theirs.Table ToApacheArrow(this IEnumerable<RecordBatch> batches, ArrowSchema schema)
    {
        ArgumentNullException.ThrowIfNull(batches);
        ArgumentNullException.ThrowIfNull(schema);
        var chunks = new List<Theirs.RecordBatch>();
        foreach (RecordBatch batch in batches)
        {
            if (!batch.Schema.Fields.SequenceEqual(schema.Fields))
                throw new ArgumentException("A table has another schema.", nameof(batches));
            chunks.Add(batch.ToApacheArrow());
        }
        return Theirs.Table.TableFromRecordBatches(schema.ToApacheArrow(), chunks);
    }

    /// <summary>A position in a column's chunks.</summary>
    private sealed class ChunkCursor(Theirs.ChunkedArray chunks)
    {
        private int _chunk;
        private int _start;

        /// <summary>Rows left in the current chunk; a chunk without rows is skipped.</summary>
        public int Left
        {
            get
            {
                while (_start == chunks.ArrowArray(_chunk).Length)
                    (_chunk, _start) = (_chunk + 1, 0);
                return chunks.ArrowArray(_chunk).Length - _start;
            }
        }

        /// <summary>The next rows, with references of their own to the chunk's buffers.</summary>
        public Theirs.IArrowArray Take(int count)
        {
            Theirs.IArrowArray slice = Theirs.ArrowArrayFactory.SliceShared(chunks.ArrowArray(_chunk), _start, count);
            _start += count;
            return slice;
        }
    }
}
