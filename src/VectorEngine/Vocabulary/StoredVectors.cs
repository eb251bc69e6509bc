namespace VectorEngine;

/// <summary>Whether an index keeps the vectors themselves beside their codes.</summary>
public enum StoredVectors
{
    /// <summary>Codes only: the smallest index; distances are estimates.</summary>
    None = 0,

    /// <summary>As given: 4 bytes per dimension; distances can be exact.</summary>
    Float32 = 1,

    /// <summary>
    /// Rounded to float16: 2 bytes per dimension; distances can be exact to about three digits. Values beyond 65,504 are rejected.
    /// </summary>
    Float16 = 2,
}
