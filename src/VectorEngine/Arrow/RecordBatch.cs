namespace VectorEngine.Arrow;

/// <summary>A table, or a part of one: columns of the same length. Immutable and safe for concurrent use.</summary>
public sealed class RecordBatch
{
    private readonly ArrowArray[] _columns;

    /// <summary>A table of named columns, each of which may have missing values.</summary>
    /// <param name="columns">The columns, such as <c>("name", ArrowArray.From(names)), ("age", ArrowArray.From(ages))</c>.</param>
    /// <exception cref="ArgumentException">The columns have different lengths.</exception>
    public RecordBatch(params ReadOnlySpan<(string Name, ArrowArray Values)> columns)
    {
        var fields = new ArrowField[columns.Length];
        _columns = new ArrowArray[columns.Length];
        for (int i = 0; i < columns.Length; i++)
        {
            fields[i] = new ArrowField(columns[i].Name, columns[i].Values.Type);
            _columns[i] = columns[i].Values;
        }
        Schema = new ArrowSchema(fields);
        RowCount = _columns.Length == 0 ? 0 : _columns[0].Length;
        CheckColumns();
    }

    /// <summary>A table with a given schema.</summary>
    /// <param name="schema">Names, types, and whether values may be missing.</param>
    /// <param name="columns">The columns, in the schema's order.</param>
    /// <exception cref="ArgumentException">The columns do not fit the schema, or have different lengths.</exception>
    public RecordBatch(ArrowSchema schema, IReadOnlyList<ArrowArray> columns)
        : this(schema, columns, columns is null or [] ? 0 : columns[0].Length) { }

    /// <summary>A table whose length is known even where it has no columns.</summary>
    internal RecordBatch(ArrowSchema schema, IReadOnlyList<ArrowArray> columns, int rowCount)
    {
        ArgumentNullException.ThrowIfNull(schema);
        ArgumentNullException.ThrowIfNull(columns);
        Schema = schema;
        _columns = [.. columns];
        RowCount = rowCount;
        CheckColumns();
    }

    /// <summary>The columns' names and types.</summary>
    public ArrowSchema Schema { get; }

    /// <summary>Number of rows.</summary>
    public int RowCount { get; }

    /// <summary>The columns, in the schema's order.</summary>
    public IReadOnlyList<ArrowArray> Columns => _columns;

    /// <summary>The column called <paramref name="name"/>.</summary>
    /// <param name="name">Its name, case-sensitive.</param>
    /// <exception cref="KeyNotFoundException">No column has this name.</exception>
    public ArrowArray Column(string name) => _columns[Schema.RequireIndex(name)];

    /// <summary>The column called <paramref name="name"/>, as the class that holds its values.</summary>
    /// <typeparam name="TArray">Such as <see cref="Utf8Array"/> or <c>PrimitiveArray&lt;long&gt;</c>.</typeparam>
    /// <param name="name">Its name, case-sensitive.</param>
    /// <exception cref="KeyNotFoundException">No column has this name.</exception>
    /// <exception cref="InvalidCastException">The column holds values of another type.</exception>
    public TArray Column<TArray>(string name) where TArray : ArrowArray
    {
        ArrowArray column = Column(name);
        return column as TArray
            ?? throw new InvalidCastException($"Column '{name}' holds {column.Type}, which is not a {typeof(TArray).Name}.");
    }

    /// <summary>Neighbouring rows, without copying more than bitmaps.</summary>
    /// <param name="start">First row.</param>
    /// <param name="count">Number of rows.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the table.</exception>
    public RecordBatch Slice(int start, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, RowCount - count);
        return new(Schema, Array.ConvertAll(_columns, column => column.Slice(start, count)), count);
    }

    /// <summary>Copies of single rows.</summary>
    /// <param name="rows">The rows, in any order and as often as wanted; the result has them in this order.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    /// <exception cref="NotSupportedException">A column of the result would take 2 GiB or more.</exception>
    public RecordBatch Take(ReadOnlySpan<int> rows)
    {
        foreach (int row in rows)
        {
            if ((uint)row >= (uint)RowCount)
                throw new ArgumentOutOfRangeException(nameof(rows), row, $"The table has {RowCount} rows.");
        }

        var columns = new ArrowArray[_columns.Length];
        for (int i = 0; i < columns.Length; i++)
            columns[i] = _columns[i].Take(rows);
        return new(Schema, columns, rows.Length);
    }

    /// <summary>A copy of the rows of several tables, one table after the other.</summary>
    /// <param name="batches">The tables, at least one, all of the same schema.</param>
    /// <exception cref="ArgumentException">There is no table, or they have different schemas.</exception>
    /// <exception cref="NotSupportedException">A column of the result would take 2 GiB or more.</exception>
    public static RecordBatch Concat(IReadOnlyList<RecordBatch> batches)
    {
        ArgumentNullException.ThrowIfNull(batches);
        if (batches.Count == 0)
            throw new ArgumentException("There is no table whose schema the result could have.", nameof(batches));
        ArrowSchema schema = batches[0].Schema;
        if (batches.Any(batch => !batch.Schema.Fields.SequenceEqual(schema.Fields)))
            throw new ArgumentException("The tables have different schemas.", nameof(batches));
        long rowCount = batches.Sum(batch => (long)batch.RowCount);
        if (rowCount > int.MaxValue)
            throw new NotSupportedException($"A table of {rowCount} rows.");
        var columns = new ArrowArray[schema.Fields.Count];
        for (int i = 0; i < columns.Length; i++)
            columns[i] = batches[0].Columns[i].Concat([.. batches.Select(batch => batch.Columns[i])]);
        return new(schema, columns, (int)rowCount);
    }

    private void CheckColumns()
    {
        if (_columns.Length != Schema.Fields.Count)
            throw new ArgumentException($"There are {_columns.Length} columns and {Schema.Fields.Count} fields.");
        for (int i = 0; i < _columns.Length; i++)
        {
            (string name, ArrowType type, bool nullable) = Schema.Fields[i];
            if (_columns[i].Type != type)
                throw new ArgumentException($"Column '{name}' holds {_columns[i].Type}, not {type}.");
            if (_columns[i].Length != RowCount)
                throw new ArgumentException($"Column '{name}' has {_columns[i].Length} values, not {RowCount}.");
            if (!nullable && _columns[i].NullCount != 0)
                throw new ArgumentException($"Column '{name}' misses {_columns[i].NullCount} values, but is not nullable.");
        }
    }
}
